#include "capture/recorder.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <thread>
#include <variant>

#include <fmt/format.h>

#include "base/check.h"
#include "base/fd.h"
#include "base/privileges.h"
#include "capture/clock.h"
#include "capture/losses.h"
#include "capture/probe_costs.h"
#include "capture/spsc_queue.h"

namespace observe {
namespace {

// Where real-time threads have all CPUs the kernel leaves ordinary ones, and so the writer, a
// twentieth of each second, at its end: the queue has to hold what comes in the meantime. 512
// blocks of 16384 records are 2.4 s at 3.5 million records a second, and 34 MB when encoded as
// usual.
constexpr std::uint32_t kQueuedItems = 512;
constexpr std::uint32_t kSpareBlocks = 64;
// The probe gets room back after so many records, not only at the end of a long backlog.
constexpr std::size_t kReleaseEvery = 4096;
// Every so often blocks are written though not full, so that a killed observer leaves all but the
// last second, and of a short window all but the last half.
constexpr Nanos kFirstFlush = std::chrono::milliseconds(50);
constexpr Nanos kFlushInterval = std::chrono::seconds(1);
constexpr std::size_t kMarkerBatch = 4096;
constexpr Nanos kFullQueuePause = std::chrono::milliseconds(1);

struct MarkerBatch {
  std::uint32_t lane = 0;
  std::vector<Marker> markers;
};
struct Checkpoint {
  Time until;
  std::uint64_t drain_cpu_ns = 0;
  ProbeCosts probes;
  std::uint64_t markers_lost = 0;
  std::uint64_t peak_backlog_bytes = 0;
};
using Item = std::variant<EncodedBlock, MarkerBatch, std::vector<LostInterval>, Checkpoint>;

Result<void> write_item(RecordingWriter& writer, const Item& item) {
  if (const auto* block = std::get_if<EncodedBlock>(&item)) return writer.write_events(*block);
  if (const auto* batch = std::get_if<MarkerBatch>(&item)) {
    return writer.write_markers(batch->lane, batch->markers);
  }
  return writer.write_lost(std::get<std::vector<LostInterval>>(item));
}

struct DrainedLane {
  explicit DrainedLane(const RecorderLane& lane, Time begin)
      : cpu(lane.cpu), number(lane.lane), reader(lane.reader), losses(lane.cpu, begin) {}

  Cpu cpu;
  std::uint32_t number;
  LaneReader reader;
  LossTracker losses;
  std::optional<BlockEncoder> encoder;  // made at the first record: most possible CPUs have none
};

// Signals go to the threads that expect them, never to the recorder's.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    OBSERVE_CHECK(pthread_sigmask(SIG_SETMASK, &all, &before_) == 0);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

UniqueFd make_event() {
  UniqueFd event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  OBSERVE_CHECK(event);
  return event;
}

void raise_event(const UniqueFd& event) { OBSERVE_CHECK(eventfd_write(event.get(), 1) == 0); }

}  // namespace

struct Recorder::State {
  State(std::vector<RecorderLane> from, RecordingWriter& to, MarkerSource source,
        RecorderOptions chosen);

  void drain_until_stopped();
  void write_until_closed();
  Result<void> write(const Item& item);

  // The drain thread's.
  bool drain_round(bool flush);
  bool drain_lane(DrainedLane& lane);
  bool take_markers();
  void push_block(DrainedLane& lane);
  bool push_losses();
  void become_realtime();
  Checkpoint checkpoint(Time until) const;

  std::vector<DrainedLane> lanes;
  RecordingWriter& writer;
  MarkerSource markers;
  RecorderOptions options;
  std::vector<Marker> marker_buffer;
  std::vector<LostInterval> losses;
  std::uint64_t peak_backlog = 0;  // records
  bool realtime = false;
  std::string note;
  std::uint64_t drain_cpu_ns = 0;

  // The writer thread's.
  std::optional<Error> error;
  std::uint64_t write_cpu_ns = 0;

  SpscQueue<Item, kQueuedItems> queue;
  SpscQueue<EncodedBlock, kSpareBlocks> written;  // on their way back to an encoder
  UniqueFd failure = make_event();
  UniqueFd stop = make_event();
  std::atomic<bool> window_begun{false};
  std::latch draining{1};  // no longer an ordinary thread that others can starve
  std::thread drain_thread;
  std::thread write_thread;
};

Recorder::State::State(std::vector<RecorderLane> from, RecordingWriter& to, MarkerSource source,
                       RecorderOptions chosen)
    : writer(to), markers(std::move(source)), options(chosen), marker_buffer(kMarkerBatch) {
  lanes.reserve(from.size());
  for (const RecorderLane& lane : from) lanes.emplace_back(lane, options.begin);
  losses.reserve(lanes.size());
  const SignalsBlocked blocked;
  write_thread = std::thread([this] { write_until_closed(); });
  drain_thread = std::thread([this] { drain_until_stopped(); });
  draining.wait();
}

// Lowest real-time priority: above every ordinary thread, so that those cannot starve it, and below
// every thread that somebody made real-time on purpose with a higher one.
void Recorder::State::become_realtime() {
  const sched_param lowest{.sched_priority = 1};
  const int refused = pthread_setschedparam(pthread_self(), SCHED_FIFO, &lowest);
  realtime = refused == 0;
  if (!realtime) {
    note = fmt::format(
        "the recorder is an ordinary thread (SCHED_FIFO: {}): a real-time load can starve it",
        error_from_errno("", refused).reason);
  }
}

void Recorder::State::push_block(DrainedLane& lane) {
  queue.push(lane.encoder->take());
  if (std::optional<EncodedBlock> spare = written.try_pop()) {
    lane.encoder->recycle(std::move(*spare));
  }
}

// False when the queue is full: the rest stays where it is.
bool Recorder::State::drain_lane(DrainedLane& lane) {
  std::uint64_t backlog = lane.reader.backlog();
  if (backlog == 0) return true;
  peak_backlog = std::max(peak_backlog, backlog);
  if (!lane.encoder) lane.encoder.emplace(lane.cpu, lane.number);
  // No more than was there: a lane that fills as fast as it is drained must not keep the others.
  while (backlog > 0) {
    if (!queue.has_room()) return false;
    const std::span<const observe_record> records =
        lane.reader.peek(std::min<std::uint64_t>(backlog, kReleaseEvery));
    std::size_t taken = 0;
    bool full = false;
    while (taken < records.size() && !full) {
      const observe_record& record = records[taken++];
      if (const std::optional<LostInterval> lost = lane.losses.see(record.head)) [[unlikely]] {
        losses.push_back(*lost);
      }
      full = lane.encoder->add(record);
    }
    lane.reader.release(taken);
    backlog -= taken;
    if (full) push_block(lane);
  }
  return true;
}

bool Recorder::State::push_losses() {
  if (losses.empty()) return true;
  if (!queue.has_room()) return false;
  queue.push(std::exchange(losses, {}));
  return true;
}

bool Recorder::State::take_markers() {
  for (std::uint32_t lane = 0; lane < markers.lanes; ++lane) {
    for (std::size_t count = kMarkerBatch; count == kMarkerBatch;) {
      if (!queue.has_room()) return false;
      count = markers.take(lane, marker_buffer);
      if (count == 0) break;
      const auto end = marker_buffer.begin() + static_cast<std::ptrdiff_t>(count);
      queue.push(MarkerBatch{.lane = lane, .markers = {marker_buffer.begin(), end}});
    }
  }
  return true;
}

// True when everything that was there has been taken and, with `flush`, pushed.
bool Recorder::State::drain_round(bool flush) {
  bool complete = true;
  for (DrainedLane& lane : lanes) complete &= drain_lane(lane);
  complete &= take_markers();
  complete &= push_losses();
  for (DrainedLane& lane : lanes) {
    if (!flush) break;
    if (!lane.encoder || lane.encoder->empty()) continue;
    if (!queue.has_room()) return false;
    push_block(lane);
  }
  return complete;
}

void Recorder::State::drain_until_stopped() {
  pthread_setname_np(pthread_self(), "observe-drain");
  become_realtime();
  draining.count_down();
  // It reads memory and nothing else from here on. Without the right to give them up it would keep
  // what it never uses.
  (void)keep_capabilities(0);
  const timespec pause{.tv_sec = options.interval / std::chrono::seconds(1),
                       .tv_nsec = options.interval.count() % 1'000'000'000};
  Time previous_round = options.begin;
  Nanos flush_after = kFirstFlush;
  Time next_flush = options.begin + flush_after;
  for (;;) {
    pollfd until_stopped{.fd = stop.get(), .events = POLLIN, .revents = 0};
    if (ppoll(&until_stopped, 1, &pause, nullptr) > 0) break;
    const Time now = monotonic_now();
    if (window_begun.exchange(false, std::memory_order_relaxed)) {
      flush_after = kFirstFlush;
      next_flush = now + flush_after;
    }
    const bool flush = now >= next_flush;
    if (drain_round(flush) && flush && queue.has_room()) {
      // Not `now`: a probe that took its time before it may not have published its record yet.
      queue.push(checkpoint(previous_round));
      flush_after = std::min(2 * flush_after, kFlushInterval);
      next_flush = now + flush_after;
    }
    previous_round = now;
  }
  while (!drain_round(true)) std::this_thread::sleep_for(kFullQueuePause);
  drain_cpu_ns = thread_cpu_ns();
  queue.close();
}

Checkpoint Recorder::State::checkpoint(Time until) const {
  Checkpoint made{.until = until,
                  .drain_cpu_ns = thread_cpu_ns(),
                  .markers_lost = markers.dropped ? markers.dropped() : 0,
                  .peak_backlog_bytes = peak_backlog * sizeof(observe_record)};
  for (const DrainedLane& lane : lanes) made.probes.add(lane.reader);
  return made;
}

// With a checkpoint goes what is known up to then: nobody may come to write the closing part.
Result<void> Recorder::State::write(const Item& item) {
  const auto* const reached = std::get_if<Checkpoint>(&item);
  if (reached == nullptr) return write_item(writer, item);
  CaptureInfo so_far;
  so_far.recorder_realtime = realtime;
  so_far.recorder_note = note;
  so_far.observer_cpu_ns = reached->drain_cpu_ns + thread_cpu_ns();
  so_far.probe_cpu_ns = reached->probes.estimated_ns();
  so_far.probe_runs_timed = reached->probes.timed;
  so_far.self_wakes = reached->probes.self_wakes;
  so_far.markers_lost = reached->markers_lost;
  so_far.peak_backlog_bytes = reached->peak_backlog_bytes;
  if (Result<void> done = writer.write_progress(so_far); !done) return done;
  return writer.write_checkpoint(reached->until);
}

void Recorder::State::write_until_closed() {
  pthread_setname_np(pthread_self(), "observe-write");
  (void)keep_capabilities(0);  // the file is open
  while (std::optional<Item> item = queue.pop()) {
    if (!error) {
      if (Result<void> result = write(*item); !result) {
        error = std::move(result.error());
        raise_event(failure);
      }
    }
    if (auto* block = std::get_if<EncodedBlock>(&*item); block != nullptr && written.has_room()) {
      written.push(std::move(*block));
    }
  }
  write_cpu_ns = thread_cpu_ns();
}

Recorder::Recorder(std::vector<RecorderLane> lanes, RecordingWriter& writer, MarkerSource markers,
                   RecorderOptions options)
    : state_(std::make_unique<State>(std::move(lanes), writer, std::move(markers), options)) {}

Recorder::~Recorder() {
  if (state_ && state_->drain_thread.joinable()) finish(state_->options.begin);
}

void Recorder::window_begins() { state_->window_begun.store(true, std::memory_order_relaxed); }

int Recorder::failure_fd() const { return state_->failure.get(); }

RecorderOutcome Recorder::finish(Time end) {
  raise_event(state_->stop);
  state_->drain_thread.join();
  state_->write_thread.join();
  std::vector<LostInterval> trailing;
  for (const DrainedLane& lane : state_->lanes) {
    const Time until = std::max(end, state_->options.begin);
    if (const auto lost = lane.losses.finish(lane.reader.next_sequence(), until)) {
      trailing.push_back(*lost);
    }
  }
  if (!state_->error && !trailing.empty()) {
    if (Result<void> result = state_->writer.write_lost(trailing); !result) {
      state_->error = std::move(result.error());
    }
  }
  return {.error = std::move(state_->error),
          .realtime = state_->realtime,
          .note = std::move(state_->note),
          .cpu_ns = state_->drain_cpu_ns + state_->write_cpu_ns,
          .peak_backlog_bytes = state_->peak_backlog * sizeof(observe_record),
          .markers_lost = state_->markers.dropped ? state_->markers.dropped() : 0};
}

}  // namespace observe
