#include "capture/recorder.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <thread>
#include <vector>

#include "capture/clock.h"
#include "capture/probe_costs.h"
#include "recording/reader.h"
#include "support/catch.h"

namespace observe {
namespace {

using namespace std::chrono_literals;

// One CPU's lane with a probe that a test plays.
class FakeLane {
 public:
  explicit FakeLane(std::size_t slots, std::uint16_t cpu = 0) : slots_(slots), cpu_(cpu) {}

  // As the probe does: a full lane counts, and uses up a number.
  void emit(std::uint32_t tid) {
    const std::uint64_t tail = __atomic_load_n(&cursor_.tail, __ATOMIC_ACQUIRE);
    if (cursor_.head - tail >= slots_.size()) {
      __atomic_fetch_add(&cursor_.dropped, 1, __ATOMIC_RELEASE);
      return;
    }
    observe_switch record{};
    record.head = {.at = static_cast<std::uint64_t>(to_ns(monotonic_now())),
                   .seq = static_cast<std::uint32_t>(cursor_.head + cursor_.dropped),
                   .cpu = cpu_,
                   .kind = OBSERVE_KIND_SWITCH,
                   .flags = 0};
    record.prev = tid;
    record.next = tid + 1;
    times_.push_back(time_at(static_cast<std::int64_t>(record.head.at)));
    slots_[cursor_.head & (slots_.size() - 1)] = std::bit_cast<observe_record>(record);
    __atomic_store_n(&cursor_.head, cursor_.head + 1, __ATOMIC_RELEASE);
  }
  RecorderLane lane() {
    return {.cpu = Cpu{cpu_}, .lane = OBSERVE_LANE_SCHED, .reader = {&cursor_, slots_}};
  }
  bool is_drained() const {
    return __atomic_load_n(&cursor_.tail, __ATOMIC_ACQUIRE) == cursor_.head;
  }
  std::uint64_t dropped() const { return cursor_.dropped; }
  // As the probe measures one record in 64.
  void time_one(std::uint64_t ns) {
    __atomic_fetch_add(&cursor_.timed_ns, ns, __ATOMIC_RELAXED);
    __atomic_fetch_add(&cursor_.timed, 1, __ATOMIC_RELAXED);
  }
  std::ptrdiff_t emitted_before(Time end) const {
    return std::ranges::count_if(times_, [&](Time at) { return at < end; });
  }

 private:
  std::vector<observe_record> slots_;
  std::uint16_t cpu_;
  std::vector<Time> times_;
  observe_cursor cursor_{};
};

struct Recording {
  UniqueFd file{memfd_create("recording", MFD_CLOEXEC)};
  RecordingWriter writer = *RecordingWriter::create(UniqueFd(dup(file.get())));
  Time begin = monotonic_now();

  std::vector<std::byte> bytes() const {
    std::vector<std::byte> bytes(static_cast<std::size_t>(lseek(file.get(), 0, SEEK_END)));
    REQUIRE(pread(file.get(), bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
    return bytes;
  }

  Trace read(const RecorderOutcome& outcome) {
    CaptureInfo info;
    info.window_begin = begin;
    info.window_end = monotonic_now();
    info.markers_lost = outcome.markers_lost;
    REQUIRE(writer.finish(info));
    Result<Trace> trace = read_recording(bytes());
    REQUIRE(trace);
    return std::move(*trace);
  }
};

}  // namespace

TEST_CASE("what probes write while the recorder runs is in the recording, in order") {
  constexpr std::uint32_t kCount = 100'000;
  FakeLane lane(1 << 17);
  Recording recording;
  Recorder recorder({lane.lane()}, recording.writer, {},
                    {.interval = 1ms, .begin = recording.begin});
  for (std::uint32_t i = 0; i < kCount; ++i) lane.emit(i + 1);
  const RecorderOutcome outcome = recorder.finish(monotonic_now());
  CHECK_FALSE(outcome.error);
  CHECK(outcome.peak_backlog_bytes > 0);
  CHECK(outcome.cpu_ns > 0);

  const Trace trace = recording.read(outcome);
  REQUIRE(trace.count<Switch>() == kCount);
  bool in_order = true;
  for (std::uint32_t i = 0; i < kCount; ++i) {
    in_order &= trace.all<Switch>()[i].prev == Tid{i + 1};
  }
  CHECK(in_order);
  CHECK(trace.quality().lost_events == 0);
}

TEST_CASE("what a full lane drops is counted and placed, at its end too") {
  FakeLane lane(64);
  for (std::uint32_t i = 0; i < 100; ++i) lane.emit(i + 1);  // nobody drains yet: 36 are lost
  Recording recording;
  Recorder recorder({lane.lane()}, recording.writer, {},
                    {.interval = 1ms, .begin = recording.begin});
  while (!lane.is_drained()) std::this_thread::sleep_for(1ms);
  for (std::uint32_t i = 0; i < 10; ++i) lane.emit(i + 1);
  const RecorderOutcome outcome = recorder.finish(monotonic_now());
  CHECK_FALSE(outcome.error);
  const Trace trace = recording.read(outcome);
  CHECK(trace.count<Switch>() == 74);
  CHECK(trace.quality().lost_events == lane.dropped());
  REQUIRE(trace.quality().lost.size() == 1);
  CHECK(trace.quality().lost[0].count == 36);
}

TEST_CASE("losses after the last record lie between it and the end") {
  FakeLane lane(64);
  for (std::uint32_t i = 0; i < 70; ++i) lane.emit(i + 1);
  Recording recording;
  Recorder recorder({lane.lane()}, recording.writer, {},
                    {.interval = 1ms, .begin = recording.begin});
  const Time end = monotonic_now() + 1ms;
  const Trace trace = recording.read(recorder.finish(end));
  REQUIRE(trace.quality().lost.size() == 1);
  CHECK(trace.quality().lost[0].count == 6);
  CHECK(trace.quality().lost[0].to == end);
}

TEST_CASE("markers are recorded by their lane") {
  std::uint64_t left = 10'000;
  MarkerSource source{.lanes = 1,
                      .take =
                          [&](std::uint32_t, std::span<Marker> out) {
                            const std::size_t count = std::min<std::size_t>(left, out.size());
                            for (Marker& marker : out.first(count)) {
                              marker = Marker{.at = monotonic_now(), .kind = 1, .a = left--};
                            }
                            return count;
                          },
                      .dropped = [] { return std::uint64_t{7}; }};
  Recording recording;
  Recorder recorder({}, recording.writer, source, {.interval = 1ms, .begin = recording.begin});
  const RecorderOutcome outcome = recorder.finish(monotonic_now());
  CHECK(outcome.markers_lost == 7);
  const Trace trace = recording.read(outcome);
  REQUIRE(trace.count<Marker>() == 10'000);
  CHECK(trace.all<Marker>().front().a == 10'000);
  CHECK(trace.all<Marker>().back().a == 1);
}

TEST_CASE("what a recorder has written when it is killed has a window with all CPUs' events") {
  FakeLane busy(1 << 16, 0);
  FakeLane quiet(64, 1);
  busy.time_one(100);
  Recording recording;
  REQUIRE(recording.writer.write_window_begin(recording.begin));
  Recorder recorder({busy.lane(), quiet.lane()}, recording.writer, {},
                    {.interval = 1ms, .begin = recording.begin});
  recorder.window_begins();
  std::vector<Time> ends;
  for (std::uint32_t i = 1; ends.size() < 3 && monotonic_now() < recording.begin + 20s; ++i) {
    for (std::uint32_t k = 0; k < 100; ++k) busy.emit(k + 1);
    if (i % 8 == 1) quiet.emit(i);
    std::this_thread::sleep_for(1ms);
    const Result<Trace> trace = read_recording(recording.bytes());
    REQUIRE(trace);
    if (trace->end() == (ends.empty() ? trace->begin() : ends.back())) continue;
    ends.push_back(trace->end());
    REQUIRE(trace->quality().incomplete);
    std::array<std::ptrdiff_t, 2> switches{};
    for (const Switch& event : trace->all<Switch>()) {
      if (event.at < trace->end()) ++switches[raw(event.cpu)];
    }
    CHECK(switches[0] == busy.emitted_before(trace->end()));
    CHECK(switches[1] == quiet.emitted_before(trace->end()));
    CHECK(switches[1] > 0);
    // The cost up to there is known: 100 ns for each record.
    REQUIRE(trace->capture().observer_cpu_ns);
    CHECK(*trace->capture().observer_cpu_ns > 0);
    REQUIRE(trace->capture().probe_cpu_ns);
    CHECK(*trace->capture().probe_cpu_ns >=
          100 * static_cast<std::uint64_t>(switches[0] + switches[1]));
  }
  // The first after 50 ms; then they get rarer.
  REQUIRE(ends.size() == 3);
  CHECK(ends[0] < recording.begin + 900ms);
  CHECK(monotonic_now() > recording.begin + 200ms);
  CHECK_FALSE(recorder.finish(monotonic_now()).error);
}

TEST_CASE("the cost of probes is unknown where none was timed, and nothing where none ran") {
  FakeLane lane(64);
  const auto estimate = [&] {
    ProbeCosts costs;
    costs.add(lane.lane().reader);
    return costs.estimated_ns();
  };
  CHECK(estimate() == 0);
  lane.emit(1);
  lane.emit(2);
  CHECK_FALSE(estimate());
  lane.time_one(70);
  CHECK(estimate() == 140);
}

TEST_CASE("a full disk is reported at once and recording ends without hanging") {
  FakeLane lane(1 << 10);
  // The header fits; from then on the disk is full.
  UniqueFd limited(memfd_create("recording", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  Result<RecordingWriter> writer = RecordingWriter::create(UniqueFd(dup(limited.get())));
  REQUIRE(writer);
  REQUIRE(fcntl(limited.get(), F_ADD_SEALS, F_SEAL_GROW) == 0);

  Recorder recorder({lane.lane()}, *writer, {}, {.interval = 1ms, .begin = monotonic_now()});
  pollfd failed{.fd = recorder.failure_fd(), .events = POLLIN, .revents = 0};
  for (int round = 0; round < 5000 && failed.revents == 0; ++round) {
    for (std::uint32_t i = 0; i < 512; ++i) lane.emit(i + 1);
    poll(&failed, 1, 1);
  }
  CHECK((failed.revents & POLLIN) != 0);
  const RecorderOutcome outcome = recorder.finish(monotonic_now());
  REQUIRE(outcome.error);
  CHECK_FALSE(outcome.error->text().empty());
}

}  // namespace observe
