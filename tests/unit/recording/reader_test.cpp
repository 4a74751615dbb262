// Reading: everything that was written comes back, in its place.
#include "recording/reader.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "support/catch.h"
#include "unit/recording/sample.h"

namespace observe {

namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "observe-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path_); }
  fs::path operator/(const char* name) const { return path_ / name; }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

void write_file(const fs::path& path, const Bytes& bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

Trace trace_of(const std::function<void(RecordingWriter&)>& write) {
  Result<Trace> trace = read_recording(recorded(write));
  REQUIRE(trace);
  return *std::move(trace);
}

}  // namespace

TEST_CASE("a whole recording is read whole") {
  const Bytes bytes = sample();
  const Result<Trace> trace = read_recording(bytes);
  REQUIRE(trace);
  CHECK(trace->event_count() == 1800);
  CHECK(trace->quality().damaged_blocks == 0);
  CHECK(trace->quality().lost_events == 0);
  CHECK_FALSE(trace->quality().incomplete);
  CHECK(trace->capture().complete);
  CHECK(trace->capture().exit_status == 3);
  CHECK(trace->run().command == std::vector<std::string>{"ping", "--pong"});
  CHECK(trace->host().kernel == "6.18.0");
  CHECK(trace->begin() == time_at(kSampleBegin));
  CHECK(trace->end() == time_at(kSampleBegin + 1'000'000'000));
  CHECK(trace->recording_bytes() == bytes.size());
  REQUIRE(trace->threads().size() == 2);
  CHECK(trace->threads().all()[0].name() == "ping");
  CHECK(trace->threads().all()[0].target);
  CHECK(trace->threads().all()[1].last.has_value());
}

TEST_CASE("a recording read twice gives the same trace") {
  const Bytes bytes = sample();
  const Result<Trace> one = read_recording(bytes);
  const Result<Trace> two = read_recording(bytes);
  REQUIRE((one && two));
  REQUIRE(one->count<Switch>() == two->count<Switch>());
  for (std::size_t i = 0; i < one->count<Switch>(); ++i) {
    const Switch& a = one->all<Switch>()[i];
    const Switch& b = two->all<Switch>()[i];
    REQUIRE((a.at == b.at && a.cpu == b.cpu && a.prev_thread == b.prev_thread));
  }
}

TEST_CASE("every field of every record arrives in its event") {
  std::vector<observe_record> sched = {
      as_record(observe_switch{
          .head = head_of(OBSERVE_KIND_SWITCH, 1000, 0,
                          OBSERVE_SWITCH_PREEMPT | OBSERVE_SWITCH_COMPAT | OBSERVE_SWITCH_KERNEL),
          .prev = 11,
          .next = 12,
          .user_ip = 0xdead,
          .syscall = -1,
          .prev_state = 0x2001,
          .prev_prio = -1,
          .next_prio = 139,
          .reserved = 0,
          .nvcsw = 7,
          .nivcsw = 8}),
      as_record(observe_wake{.head = head_of(OBSERVE_KIND_WAKING, 1001, 1,
                                             OBSERVE_WAKE_CONTEXT | OBSERVE_WAKE_SOFTIRQ),
                             .tid = 11,
                             .by = 12,
                             .prio = 99,
                             .from_cpu = 1,
                             .to_cpu = 0,
                             .reserved = {}}),
      as_record(observe_wake{.head = head_of(OBSERVE_KIND_WAKEUP, 1002, 2),
                             .tid = 11,
                             .by = 12,
                             .prio = 98,
                             .from_cpu = 3,
                             .to_cpu = 3,
                             .reserved = {}}),
      as_record(observe_wake{.head = head_of(OBSERVE_KIND_WAKEUP_NEW, 1003, 3),
                             .tid = 13,
                             .by = 12,
                             .prio = 97,
                             .from_cpu = 3,
                             .to_cpu = 5000,
                             .reserved = {}}),
      as_record(observe_wake{.head = head_of(OBSERVE_KIND_MIGRATE, 1004, 4),
                             .tid = 11,
                             .by = 12,
                             .prio = 96,
                             .from_cpu = 3,
                             .to_cpu = 2,
                             .reserved = {}}),
      as_record(observe_account{.head = head_of(OBSERVE_KIND_ACCOUNT, 1005, 5),
                                .tid = 11,
                                .nvcsw = 70'000,
                                .nivcsw = 80'000,
                                .reserved = 0,
                                .run_ns = 5,
                                .run_delay_ns = ~0ull}),
  };
  observe_name name{.head = head_of(OBSERVE_KIND_NAME, 1001, 1, OBSERVE_NAME_EXEC),
                    .tid = 12,
                    .tgid = 12,
                    .comm = {},
                    .reserved = 0};
  std::memcpy(name.comm, "ab\0junk", 7);
  std::vector<observe_record> life = {
      as_record(observe_fork{
          .head = head_of(OBSERVE_KIND_FORK, 1000, 0, OBSERVE_FORK_THREAD | OBSERVE_FORK_KERNEL),
          .child = 13,
          .child_tgid = 12,
          .parent = 12,
          .reserved = 0,
          .child_start = 999,
          .reserved2 = 0}),
      as_record(name),
      as_record(observe_life{.head = head_of(OBSERVE_KIND_EXEC, 1002, 2),
                             .tid = 12,
                             .tgid = 12,
                             .old_tid = 12,
                             .exit_code = 0,
                             .reserved = {}}),
      as_record(observe_life{.head = head_of(OBSERVE_KIND_EXIT, 1003, 3),
                             .tid = 12,
                             .tgid = 12,
                             .old_tid = 0,
                             .exit_code = -9,
                             .reserved = {}}),
  };
  const Trace trace = trace_of([&](RecordingWriter& writer) {
    REQUIRE(writer.write_events(block_of(sched, Cpu{3}, OBSERVE_LANE_SCHED)));
    REQUIRE(writer.write_events(block_of(life, Cpu{3}, OBSERVE_LANE_LIFE)));
  });
  REQUIRE(trace.event_count() == 10);
  const Switch& switched = trace.all<Switch>()[0];
  CHECK((switched.preempt && switched.compat && switched.kernel_thread));
  CHECK((switched.prev == Tid{11} && switched.next == Tid{12} && switched.cpu == Cpu{3}));
  CHECK((switched.user_ip == 0xdead && switched.syscall == kNoSyscall));
  CHECK((switched.prev_state == RawState{0x2001} && switched.prev_prio == -1));
  CHECK((switched.next_prio == 139 && switched.nvcsw == 7 && switched.nivcsw == 8));
  const Waking& waking = trace.all<Waking>()[0];
  CHECK((waking.context == WakeContext::kSoftirq && waking.waker == Tid{12} && waking.prio == 99));
  CHECK((waking.previous_cpu == Cpu{1} && waking.at == time_at(1001)));
  CHECK(trace.all<Wakeup>()[0].target_cpu == Cpu{3});
  CHECK_FALSE(trace.all<Wakeup>()[0].is_new);
  CHECK(trace.all<Wakeup>()[1].is_new);
  CHECK(trace.all<Wakeup>()[1].target_cpu == kNoCpu);  // there is no CPU 5000
  CHECK((trace.all<Migrate>()[0].from == Cpu{3} && trace.all<Migrate>()[0].to == Cpu{2}));
  CHECK(trace.all<Account>()[0].nivcsw == 80'000);
  CHECK(trace.all<Account>()[0].run_delay_ns == kNoRunDelay);
  const Fork& fork = trace.all<Fork>()[0];
  CHECK((fork.is_thread && fork.kernel_thread && fork.child == Tid{13} && fork.child_start == 999));
  CHECK(trace.all<Rename>()[0].cause == Rename::Cause::kExec);
  CHECK(trace.all<Rename>()[0].name == std::array<char, 16>{'a', 'b'});
  CHECK(trace.all<Exec>()[0].old_tid == Tid{12});
  CHECK(trace.all<Exit>()[0].exit_code == -9);
}

TEST_CASE("names of fifteen bytes, of sixteen without an end, and of control characters arrive") {
  const Trace trace = trace_of([](RecordingWriter& writer) {
    const observe_seed seeds[] = {seed_record(1, "fifteen-letters", 1),
                                  seed_record(2, "sixteen-letters!", 1),
                                  seed_record(3, "\x1b[2J\xff", 1)};
    REQUIRE(writer.write_first_seeds(seeds));
  });
  REQUIRE(trace.threads().size() == 3);
  CHECK(trace.threads().all()[0].name() == "fifteen-letters");
  CHECK(trace.threads().all()[1].name() == "sixteen-letters!");
  CHECK(trace.threads().all()[2].name() == "\x1b[2J\xff");
}

TEST_CASE("every field of a seed arrives") {
  observe_seed seed = seed_record(5, "seed", 900);
  seed = {.at = 900,
          .start_time = 1,
          .run_ns = 2,
          .run_delay_ns = 3,
          .user_ip = 4,
          .nvcsw = 5,
          .nivcsw = 6,
          .slice_ns = 7,
          .tid = 8,
          .tgid = 9,
          .ppid = 10,
          .state = 11,
          .syscall = -1,
          .prio = 13,
          .policy = 14,
          .cpu = 15,
          .flags = 0x3f,
          .reserved = 0,
          .comm = "seed"};
  const Trace trace = trace_of([&](RecordingWriter& writer) {
    REQUIRE(writer.write_window_begin(time_at(800)));
    REQUIRE(writer.write_first_seeds(std::span(&seed, 1)));
  });
  REQUIRE(trace.threads().size() == 1);
  const ThreadSeed& got = *trace.threads().all()[0].first;
  CHECK((got.at == time_at(900) && got.start_time == 1 && got.run_ns == 2));
  CHECK((got.run_delay_ns == 3 && got.user_ip == 4 && got.nvcsw == 5 && got.nivcsw == 6));
  CHECK((got.slice_ns == 7 && got.tid == Tid{8} && got.process == Pid{9}));
  CHECK((got.parent_process == Pid{10} && got.state == RawState{11} && got.syscall == kNoSyscall));
  CHECK((got.prio == 13 && got.policy == 14 && got.cpu == Cpu{15}));
  CHECK((got.on_cpu && got.queued && got.delayed && got.kernel_thread && got.compat && got.torn));
}

TEST_CASE("more seeds and markers than one chunk holds") {
  std::vector<observe_seed> seeds;
  for (std::uint32_t tid = 1; tid <= 40'000; ++tid) seeds.push_back(seed_record(tid, "many", 1));
  std::vector<Marker> markers(40'000, Marker{.at = time_at(5), .kind = 1, .a = 2, .b = 3});
  const Trace trace = trace_of([&](RecordingWriter& writer) {
    REQUIRE(writer.write_first_seeds(seeds));
    REQUIRE(writer.write_markers(2, markers));
  });
  CHECK(trace.threads().size() == 40'000);
  REQUIRE(trace.count<Marker>() == 40'000);
  CHECK(trace.all<Marker>()[39'999].lane == 2);
  CHECK(trace.all<Marker>()[39'999].b == 3);
}

TEST_CASE("records that were dropped are placed between those that were kept, once") {
  std::vector<observe_record> records = ping_pong(100);
  records.erase(records.begin() + 40, records.begin() + 50);
  const LostInterval seen{.cpu = Cpu{0},
                          .from = time_at(static_cast<std::int64_t>(records[39].head.at)),
                          .to = time_at(static_cast<std::int64_t>(records[40].head.at)),
                          .count = 10};
  const LostInterval at_end{.cpu = Cpu{0},
                            .from = time_at(static_cast<std::int64_t>(records.back().head.at)),
                            .to = time_at(2'000'000'000),
                            .count = 4};
  const Trace trace = trace_of([&](RecordingWriter& writer) {
    REQUIRE(writer.write_window_begin(time_at(kSampleBegin)));
    REQUIRE(writer.write_events(block_of(std::span(records).first(40))));
    REQUIRE(writer.write_events(block_of(std::span(records).subspan(40))));
    REQUIRE(writer.write_lost(std::array{seen, at_end}));
  });
  REQUIRE(trace.quality().lost.size() == 2);
  CHECK(trace.quality().lost[0].from == seen.from);
  CHECK(trace.quality().lost[0].to == seen.to);
  CHECK(trace.quality().lost[0].count == 10);
  CHECK(trace.quality().lost[1].count == 4);
  CHECK(trace.quality().lost_events == 14);
}

TEST_CASE("records dropped before the first one of a CPU are lost since the window's beginning") {
  const std::vector<observe_record> records = ping_pong(100);
  const Trace trace = trace_of([&](RecordingWriter& writer) {
    REQUIRE(writer.write_window_begin(time_at(kSampleBegin)));
    REQUIRE(writer.write_events(block_of(std::span(records).subspan(25))));
  });
  REQUIRE(trace.quality().lost.size() == 1);
  CHECK(trace.quality().lost[0].count == 25);
  CHECK(trace.quality().lost[0].from == time_at(kSampleBegin));
}

TEST_CASE("a recording without its closing part ends at the last checkpoint") {
  const std::vector<observe_record> records = ping_pong(100);
  const auto at = [&](std::size_t i) {
    return time_at(static_cast<std::int64_t>(records[i].head.at));
  };
  const Trace trace = trace_of([&](RecordingWriter& writer) {
    REQUIRE(writer.write_window_begin(time_at(kSampleBegin)));
    REQUIRE(writer.write_events(block_of(std::span(records).first(50))));
    REQUIRE(writer.write_checkpoint(at(49)));
    REQUIRE(writer.write_events(block_of(std::span(records).subspan(50))));
  });
  CHECK(trace.quality().incomplete);
  CHECK_FALSE(trace.capture().complete);
  CHECK(trace.begin() == time_at(kSampleBegin));
  CHECK(trace.end() == at(49));
  CHECK(trace.event_count() == 100);
}

TEST_CASE("a recording without closing part or checkpoint claims nothing") {
  const Result<Trace> trace = read_recording(sample(300, 3, false));
  REQUIRE(trace);
  CHECK(trace->quality().incomplete);
  CHECK(trace->event_count() == 1800);
  CHECK(trace->begin() == time_at(kSampleBegin));
  CHECK(trace->end() == trace->begin());
}

TEST_CASE("a checkpoint from before the window's beginning, or without one, claims nothing") {
  const std::vector<observe_record> records = ping_pong(100);
  for (const bool begun : {true, false}) {
    const Trace trace = trace_of([&](RecordingWriter& writer) {
      REQUIRE(writer.write_checkpoint(time_at(kSampleBegin + 10)));
      if (begun) REQUIRE(writer.write_window_begin(time_at(kSampleBegin + 50)));
      REQUIRE(writer.write_events(block_of(records)));
    });
    CHECK(trace.end() == trace.begin());
  }
}

// A recorder with a busy CPU, whose blocks fill, and a quiet one, whose events are only written at
// a checkpoint.
TEST_CASE("wherever a recording is cut, its window has the events of all CPUs") {
  const std::vector<observe_record> busy = ping_pong(3000, 0);
  std::vector<observe_record> quiet;
  for (std::uint32_t i = 0; i < 30; ++i) {
    quiet.push_back(busy[i * 100]);
    quiet.back().head.cpu = 1;
    quiet.back().head.seq = i;
  }
  const auto until = [&](std::size_t i) {
    return time_at(static_cast<std::int64_t>(busy[i].head.at));
  };
  const Bytes whole = recorded([&](RecordingWriter& writer) {
    REQUIRE(writer.write_window_begin(time_at(kSampleBegin)));
    for (std::size_t i = 0; i < 30; ++i) {
      REQUIRE(writer.write_events(block_of(std::span(busy).subspan(i * 100, 100))));
      if (i % 10 != 9) continue;
      const auto part = std::span(quiet).subspan(i - 9, 10);
      REQUIRE(writer.write_events(block_of(part, Cpu{1})));
      REQUIRE(writer.write_checkpoint(until(i * 100 + 99)));
    }
  });
  const auto before = [](std::span<const observe_record> records, Time end) {
    return std::ranges::count_if(records, [&](const observe_record& record) {
      return time_at(static_cast<std::int64_t>(record.head.at)) < end;
    });
  };
  std::vector<Time> ends;
  for (const std::size_t size : chunk_starts(whole)) {
    const Result<Trace> trace = read_recording(std::span(whole).first(size));
    REQUIRE(trace);
    std::ptrdiff_t events = 0;
    trace->for_each([&](const auto& event) { events += event.at < trace->end() ? 1 : 0; });
    CHECK(events == before(busy, trace->end()) + before(quiet, trace->end()));
    if (trace->end() > trace->begin() && (ends.empty() || trace->end() > ends.back())) {
      ends.push_back(trace->end());
    }
  }
  CHECK(ends == std::vector<Time>{until(999), until(1999), until(2999)});
}

TEST_CASE("a recording that was cut tells what watching had cost, where it is written") {
  const auto cut = [](bool told) {
    return trace_of([&](RecordingWriter& writer) {
      REQUIRE(writer.write_window_begin(time_at(kSampleBegin)));
      CaptureInfo capture;
      capture.observer_cpu_ns = 5;
      capture.recorder_realtime = true;
      if (told) REQUIRE(writer.write_progress(capture));
      capture.observer_cpu_ns = 7;
      capture.probe_cpu_ns = 9;
      if (told) REQUIRE(writer.write_progress(capture));
      REQUIRE(writer.write_checkpoint(time_at(kSampleBegin + 100)));
    });
  };
  CHECK_FALSE(cut(false).capture().observer_cpu_ns);
  CHECK_FALSE(cut(false).capture().probe_cpu_ns);
  const Trace trace = cut(true);
  CHECK(trace.capture().observer_cpu_ns == 7);
  CHECK(trace.capture().probe_cpu_ns == 9);
  CHECK(trace.capture().recorder_realtime);
  CHECK_FALSE(trace.capture().complete);
  CHECK(trace.begin() == time_at(kSampleBegin));
  CHECK(trace.end() == time_at(kSampleBegin + 100));
}

TEST_CASE("a file is read as its bytes are") {
  const Folder folder;
  write_file(folder / "a.obs", sample());
  const Result<Trace> trace = read_recording(folder / "a.obs");
  REQUIRE(trace);
  CHECK(trace->event_count() == 1800);
}

TEST_CASE("what is not a recording is refused, with what it is") {
  const Folder folder;
  write_file(folder / "empty.obs", {});
  write_file(folder / "text.obs", Bytes(5000, std::byte{'x'}));
  write_file(folder / "short.obs", Bytes(3, std::byte{'O'}));
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  const auto reason = [](const fs::path& path) {
    const Result<Trace> trace = read_recording(path);
    REQUIRE_FALSE(trace);
    return trace.error().reason;
  };
  CHECK(reason(folder / "empty.obs") == "the file is empty");
  CHECK(reason(folder / "text.obs") == "it is not a recording");
  CHECK(reason(folder / "short.obs") == "it is not a recording");
  CHECK(reason(folder / "fifo") == "it is not a regular file");
  CHECK(reason("/dev/zero") == "it is not a regular file");
  CHECK(reason(folder.path()) == "it is a folder");
  CHECK(reason(folder / "missing.obs") == "No such file or directory");
}

}  // namespace observe
