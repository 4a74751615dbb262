#include "workloads/frame/stage.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "base/check.h"
#include "workloads/frame/clock.h"
#include "workloads/frame/work_unit.h"

namespace observe::workloads {
namespace {

constexpr std::size_t kStackBytes = std::size_t{1} << 20;

}  // namespace

struct Stage::Thread {
  Stage* stage = nullptr;
  ThreadPlan plan;
  Worker worker;
  Tid tid{};
  std::optional<ThreadAccount> account;
  std::optional<Error> error;  // of its set-up or its body
  pthread_t handle{};
};

std::uint64_t Worker::random() {
  // Sebastiano Vigna's public-domain splitmix64.
  std::uint64_t z = random_state_ += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

Stage::Stage(std::string_view name, const Values& values, std::uint64_t seed,
             std::shared_ptr<SharedMarkers> markers, Channel& channel, bool has_rights)
    : values_(values),
      scheduling_(scheduling_of(values)),
      seed_(seed),
      markers_(std::move(markers)),
      channel_(channel),
      has_rights_(has_rights) {
  results_.name = name;
}

Stage::~Stage() = default;

double Stage::calibrate_work() {
  work_ns_ = calibrate(spin_iterations);
  fact("work_iteration_ns", *work_ns_);
  return *work_ns_;
}

void Stage::fact(std::string name, Fact value) {
  results_.truth[std::move(name)] = std::move(value);
}

Nanos Stage::span() const {
  OBSERVE_CHECK(!results_.threads.empty());
  const auto& threads = results_.threads;
  return std::ranges::max(threads, {}, &WorkloadThread::end).end -
         std::ranges::min(threads, {}, &WorkloadThread::begin).begin;
}

std::int64_t Stage::total(std::string_view thread_fact) const {
  std::int64_t sum = 0;
  for (const WorkloadThread& thread : results_.threads) {
    const auto found = thread.truth.find(std::string(thread_fact));
    OBSERVE_CHECK(found != thread.truth.end());
    sum += std::get<std::int64_t>(found->second);
  }
  return sum;
}

Result<void> Stage::perform(std::vector<ThreadPlan> plans, const std::function<void()>& reset) {
  OBSERVE_CHECK(threads_.empty() && !plans.empty() && plans.size() <= markers_->lanes());
  all_done_.reset(eventfd(0, EFD_CLOEXEC));
  if (!all_done_) return fail(error_from_errno("prepare the workload's threads", errno));

  Result<void> performed = create_threads(std::move(plans));
  if (performed) {
    wait_until_set_up();
    performed = first_error();
  }
  if (performed) performed = conduct(reset);
  if (!performed) open_gate(kAbandoned);
  join_all();
  if (performed) performed = first_error();
  if (!performed) return performed;
  collect();
  return {};
}

Result<void> Stage::create_threads(std::vector<ThreadPlan> plans) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  Result<void> created;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    auto thread = std::make_unique<Thread>();
    thread->stage = this;
    thread->plan = std::move(plans[i]);
    thread->worker.position_ = i;
    thread->worker.stop_ = &stop_;
    thread->worker.ring_ = &markers_->ring(static_cast<std::uint32_t>(i));
    if (values_.has("ops")) thread->worker.operations_ = values_.integer("ops");
    const auto entry = [](void* argument) -> void* {
      auto* self = static_cast<Thread*>(argument);
      self->stage->thread_main(*self);
      return nullptr;
    };
    const int error = pthread_create(&thread->handle, &attributes, entry, thread.get());
    if (error != 0) {
      created = fail(error_from_errno(
          fmt::format("create thread {} of {} of the workload", i + 1, plans.size()), error,
          "use fewer --threads, or raise the limit: ulimit -u"));
      break;
    }
    threads_.push_back(std::move(thread));
  }
  pthread_attr_destroy(&attributes);
  return created;
}

Result<void> Stage::set_up(Thread& thread) {
  thread.tid = Tid{static_cast<std::uint32_t>(syscall(SYS_gettid))};
  const std::string name = fmt::format("{}-{}", thread.plan.role, thread.worker.position());
  prctl(PR_SET_NAME, name.c_str());
  thread.account.emplace();
  return apply(scheduling_, thread.worker.position(), thread.plan.scheduling);
}

void Stage::thread_main(Thread& thread) {
  if (auto ready = set_up(thread); !ready) thread.error = ready.error();
  {
    const std::lock_guard lock(set_up_mutex_);
    ++set_up_;
  }
  set_up_changed_.notify_one();

  Gate gate = wait_gate_beyond(kClosed);
  if (gate == kWarmUp) {
    work(thread, false);
    gate = wait_gate_beyond(kWarmUp);
  }
  if (gate == kMeasure) work(thread, true);
}

void Stage::work(Thread& thread, bool measuring) {
  thread.worker.measuring_ = measuring;
  thread.worker.random_state_ = seed_ ^ (thread.worker.position() * 0xd1342543de82ef95);
  thread.worker.truth_.clear();
  thread.account->begin();
  const Result<void> done = thread.plan.body(thread.worker);
  thread.account->end();
  if (!done && !thread.error) {
    thread.error = done.error();
    stop_.store(true, std::memory_order_relaxed);
  }
  if (working_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    // Cannot fail: the counter is far from its limit.
    eventfd_write(all_done_.get(), 1);
  }
}

void Stage::open_gate(Gate gate) {
  gate_.store(gate, std::memory_order_release);
  futex_wake_all(gate_);
}

Stage::Gate Stage::wait_gate_beyond(Gate gate) {
  while (true) {
    const std::uint32_t value = gate_.load(std::memory_order_acquire);
    if (value != gate) return static_cast<Gate>(value);
    futex_wait(gate_, value);
  }
}

void Stage::wait_until_set_up() {
  std::unique_lock lock(set_up_mutex_);
  set_up_changed_.wait(lock, [&] { return set_up_ == threads_.size(); });
}

bool Stage::wait_and_stop(std::optional<Time> deadline, std::optional<Time>* stopped_at) {
  const Channel::Event event = channel_.wait(deadline, all_done_.get());
  stop_.store(true, std::memory_order_relaxed);
  if (stopped_at != nullptr) *stopped_at = now();
  bool wanted = event != Channel::Event::kStop;
  for (Channel::Event next = event; next != Channel::Event::kFinished;) {
    if (!wanted) {  // the line is closed and would wake at once for ever
      std::uint64_t ended = 0;
      while (read(all_done_.get(), &ended, sizeof ended) < 0 && errno == EINTR) {
      }
      break;
    }
    next = channel_.wait(std::nullopt, all_done_.get());
    wanted = wanted && next != Channel::Event::kStop;
  }
  return wanted;
}

Result<void> Stage::conduct(const std::function<void()>& reset) {
  const auto not_wanted = [] {
    return fail(Error{
        .action = "run the workload", .reason = "it was stopped before it began", .advice = {}});
  };
  const Nanos warm_up = values_.duration("warmup");
  working_.store(threads_.size(), std::memory_order_relaxed);
  if (!channel_.send(Ready{})) return not_wanted();
  if (channel_.wait(std::nullopt, all_done_.get()) != Channel::Event::kOpen) return not_wanted();

  if (warm_up > Nanos{0}) {
    const Time begin = now();
    open_gate(kWarmUp);
    if (!wait_and_stop(begin + warm_up, nullptr)) return not_wanted();
    if (reset) reset();
    stop_.store(false, std::memory_order_relaxed);
    working_.store(threads_.size(), std::memory_order_relaxed);
  }

  // With --ops real-time threads have no other end that is near enough.
  std::optional<Nanos> longest;
  if (values_.has("duration")) {
    longest = values_.duration("duration");
  } else if (scheduling_.policy.realtime()) {
    longest = kRealtimeLimit - warm_up;
  }
  results_.phase_begin = now();
  std::optional<Time> deadline;
  if (longest) deadline = results_.phase_begin + *longest;
  open_gate(kMeasure);
  std::optional<Time> stopped_at;
  // Whoever asks to stop gets the results so far.
  static_cast<void>(wait_and_stop(deadline, &stopped_at));
  results_.phase_end = *stopped_at;
  return {};
}

void Stage::join_all() {
  for (const auto& thread : threads_) pthread_join(thread->handle, nullptr);
}

Result<void> Stage::first_error() {
  for (const auto& thread : threads_) {
    if (thread->error) return fail(*thread->error);
  }
  return {};
}

void Stage::collect() {
  for (const auto& thread : threads_) {
    WorkloadThread result;
    result.tid = thread->tid;
    result.role = thread->plan.role;
    result.begin = thread->account->began_at();
    result.end = thread->account->ended_at();
    result.truth = std::move(thread->worker.truth_);
    thread->account->report(result.truth);
    results_.threads.push_back(std::move(result));
  }
  if (work_ns_) {
    // The best of three: what disturbs the check did not disturb the run.
    double error = std::numeric_limits<double>::infinity();
    for (int attempt = 0; attempt < 3 && error > 0.01; ++attempt) {
      error = std::min(error, std::abs(calibrate(spin_iterations) / *work_ns_ - 1));
    }
    fact("calibration_error", error);
  }
}

}  // namespace observe::workloads
