#include "unit/analysis/simulator.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <variant>

#include "trace/task_state.h"

namespace observe {
namespace {

using AnyEvent = std::variant<Switch, Waking, Wakeup, Migrate, Fork, Exit, Account>;

constexpr Syscall kSleepsIn{202};
constexpr Syscall kYieldsIn{24};
constexpr Tid kFirstTid{100};

class Machine {
 public:
  explicit Machine(const SimulatorOptions& options)
      : options_(options), random_(options.seed), cpus_(options.cpus), records_(options.cpus) {
    for (std::uint32_t i = 0; i < options.threads; ++i) {
      const Tid tid = create();
      enqueue(tid, pick_cpu(), WaitCause::kUnknown);
    }
  }

  Simulation run() {
    steps(options_.steps / 10);
    recording_ = true;  // attached
    steps(options_.steps / 10);
    std::vector<ThreadSeed> first;
    for (const auto& [tid, thread] : threads_) {
      if (thread.alive) first.push_back(seed_of(tid));
    }
    steps(options_.steps / 10);
    window_begin_ = now_;
    steps(options_.steps);
    window_end_ = now_ + Nanos{1};
    std::vector<ThreadSeed> last;
    for (const auto& [tid, thread] : threads_) {
      if (thread.alive) last.push_back(seed_of(tid));
    }
    return {build(first, last), clipped_truth()};
  }

 private:
  struct Thread {
    bool alive = true;
    std::uint64_t nvcsw = 0;
    std::uint64_t nivcsw = 0;
    Nanos run{};
    std::vector<TrueInterval> past;
    TrueInterval now;
  };
  struct CpuState {
    Tid running = kIdleTid;
    std::deque<Tid> queue;
  };

  // Truth.
  void set(Tid tid, State state, Cpu cpu, WaitCause cause = WaitCause::kUnknown) {
    Thread& thread = threads_[tid];
    leave(thread);
    thread.now = {now_, now_, state, cause, cpu};
  }
  void leave(Thread& thread) {
    thread.now.end = now_;
    if (thread.now.state == State::kRunning) thread.run += thread.now.end - thread.now.begin;
    thread.past.push_back(thread.now);
  }

  // Time and chance.
  std::uint32_t below(std::size_t n) {
    return static_cast<std::uint32_t>(random_() % std::max<std::size_t>(n, 1));
  }
  bool chance(double p) { return std::uniform_real_distribution<>()(random_) < p; }
  void tick() { now_ += Nanos{1 + static_cast<std::int64_t>(random_() % options_.longest_step)}; }
  Cpu pick_cpu() { return Cpu{static_cast<std::uint16_t>(below(cpus_.size()))}; }

  template <class E>
  void record(Cpu cpu, E event) {
    if (!recording_) return;
    event.at = now_;
    event.cpu = cpu;
    records_[raw(cpu)].push_back(event);
  }

  Tid create() {
    const Tid tid{raw(kFirstTid) + static_cast<std::uint32_t>(threads_.size())};
    threads_[tid].now = {now_, now_};
    return tid;
  }
  void enqueue(Tid tid, Cpu cpu, WaitCause cause) {
    set(tid, State::kWaiting, cpu, cause);
    cpus_[raw(cpu)].queue.push_back(tid);
  }

  // The running thread leaves; the next of the queue comes in, or nobody.
  void reschedule(Cpu cpu, RawState state, Syscall syscall, bool preempt) {
    CpuState& here = cpus_[raw(cpu)];
    const Tid prev = here.running;
    Tid next = kIdleTid;
    if (!here.queue.empty()) {
      next = here.queue.front();
      here.queue.pop_front();
    }
    here.running = next;
    Switch event{
        .preempt = preempt, .prev = prev, .next = next, .prev_state = state, .syscall = syscall};
    if (prev != kIdleTid) {
      Thread& thread = threads_[prev];
      ++(raw(state) != 0 && !preempt ? thread.nvcsw : thread.nivcsw);
      event.nvcsw = static_cast<std::uint16_t>(thread.nvcsw);
      event.nivcsw = static_cast<std::uint16_t>(thread.nivcsw);
    }
    record(cpu, event);
    if (next != kIdleTid) set(next, State::kRunning, cpu);
  }

  void preempt_or_yield(Cpu cpu) {
    const Tid prev = cpus_[raw(cpu)].running;
    const std::uint32_t how = below(4);
    const bool yields = how == 0;
    enqueue(prev, cpu, yields ? WaitCause::kYielded : WaitCause::kPreempted);
    // Preempted on the way to sleep, or in the kernel, or in user mode.
    reschedule(cpu, RawState{how == 1 ? 1u : 0u}, yields ? kYieldsIn : kNoSyscall, how == 1);
  }

  void block(Cpu cpu) {
    const Tid prev = cpus_[raw(cpu)].running;
    const std::uint32_t how = below(8);
    const RawState asleep{task_bits::kInterruptible};
    if (how == 0) {  // a signal is pending: it stays runnable
      enqueue(prev, cpu, WaitCause::kUnknown);
      reschedule(cpu, asleep, kSleepsIn, false);
      return;
    }
    if (how == 1) {  // the waker is faster
      const Cpu waker = pick_cpu();
      record(waker, Waking{.tid = prev, .previous_cpu = cpu});
      tick();
      set(prev, State::kWakeDelay, cpu);
      reschedule(cpu, asleep, kSleepsIn, false);
      tick();
      const Cpu target = pick_cpu();
      record(target, Wakeup{.tid = prev, .target_cpu = target});
      enqueue(prev, target, WaitCause::kWoken);
      return;
    }
    set(prev, State::kBlocked, cpu);
    reschedule(cpu, asleep, kSleepsIn, false);
  }

  void wake(Tid tid) {
    const Cpu previous = threads_[tid].now.cpu;
    const Cpu waker = pick_cpu();
    record(waker, Waking{.tid = tid, .previous_cpu = previous});
    set(tid, State::kWakeDelay, previous);
    tick();
    const Cpu target = pick_cpu();
    if (target != previous) {
      record(waker, Migrate{.tid = tid, .from = previous, .to = target});
      tick();
    }
    record(target, Wakeup{.tid = tid, .target_cpu = target});
    enqueue(tid, target, WaitCause::kWoken);
  }

  void migrate(Cpu from) {
    std::deque<Tid>& queue = cpus_[raw(from)].queue;
    const Cpu to = pick_cpu();
    if (queue.empty() || to == from) return;
    const Tid tid = queue.back();
    // One with a signal pending looks asleep until it runs: its move could not be told.
    if (threads_[tid].now.cause == WaitCause::kUnknown) return;
    queue.pop_back();
    record(to, Migrate{.tid = tid, .from = from, .to = to});
    enqueue(tid, to, threads_[tid].now.cause);
  }

  void wake_in_vain(Cpu cpu) {
    const Tid tid = cpus_[raw(cpu)].running;
    if (tid == kIdleTid) return;
    const Cpu waker = pick_cpu();
    record(waker, Waking{.tid = tid, .previous_cpu = cpu});
    tick();
    record(waker, Wakeup{.tid = tid, .target_cpu = cpu});
  }

  void fork(Cpu cpu) {
    const Tid child = create();
    record(cpu, Fork{.is_thread = false,
                     .child = child,
                     .child_process = Pid{raw(child)},
                     .parent = cpus_[raw(cpu)].running,
                     .child_start = raw(child)});
    tick();
    threads_[child].now = {now_, now_};
    threads_[child].past.clear();
    const Cpu target = pick_cpu();
    record(cpu, Wakeup{.is_new = true, .tid = child, .target_cpu = target});
    enqueue(child, target, WaitCause::kNew);
  }

  void exit(Cpu cpu) {
    const Tid tid = cpus_[raw(cpu)].running;
    record(cpu, Exit{.tid = tid, .process = Pid{raw(tid)}});
    tick();
    Thread& thread = threads_[tid];
    leave(thread);
    thread.alive = false;
    reschedule(cpu, RawState{task_bits::kDead}, Syscall{60}, false);
    record(cpu, Account{.tid = tid,
                        .nvcsw = static_cast<std::uint32_t>(thread.nvcsw),
                        .nivcsw = static_cast<std::uint32_t>(thread.nivcsw),
                        .run_ns = static_cast<std::uint64_t>(thread.run.count())});
  }

  void steps(std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
      tick();
      const Cpu cpu = pick_cpu();
      CpuState& here = cpus_[raw(cpu)];
      if (here.running == kIdleTid) {
        if (!here.queue.empty()) {
          reschedule(cpu, RawState{0}, kNoSyscall, false);
        } else {
          wake_somebody();
        }
        continue;
      }
      switch (below(options_.lifecycle ? 14 : 12)) {
        case 0:
        case 1:
        case 2:
          preempt_or_yield(cpu);
          break;
        case 3:
        case 4:
        case 5:
          block(cpu);
          break;
        case 6:
          migrate(cpu);
          break;
        case 7:
          wake_in_vain(cpu);
          break;
        case 12:
          if (threads_.size() / 4 < options_.threads) fork(cpu);
          break;
        case 13:
          if (chance(0.3)) exit(cpu);
          break;
        default:
          wake_somebody();
          break;
      }
    }
  }

  void wake_somebody() {
    std::vector<Tid> asleep;
    for (const auto& [tid, thread] : threads_) {
      if (thread.alive && thread.now.state == State::kBlocked) asleep.push_back(tid);
    }
    if (!asleep.empty()) wake(asleep[below(asleep.size())]);
  }

  ThreadSeed seed_of(Tid tid) const {
    const Thread& thread = threads_.at(tid);
    ThreadSeed seed;
    seed.at = now_;
    seed.start_time = raw(tid);
    seed.run_ns = static_cast<std::uint64_t>(thread.run.count());
    seed.nvcsw = thread.nvcsw;
    seed.nivcsw = thread.nivcsw;
    seed.syscall = kSleepsIn;
    seed.tid = tid;
    seed.process = Pid{raw(tid)};
    seed.cpu = thread.now.cpu;
    if (thread.now.state == State::kRunning) {
      seed.on_cpu = seed.queued = true;
      seed.run_ns += static_cast<std::uint64_t>((now_ - thread.now.begin).count());
    } else if (thread.now.state == State::kWaiting) {
      seed.queued = true;
    } else {
      seed.state = RawState{task_bits::kInterruptible};
    }
    return seed;
  }

  Trace build(const std::vector<ThreadSeed>& first, const std::vector<ThreadSeed>& last) {
    TraceBuilder builder;
    builder.add_first_seeds(first);
    builder.add_last_seeds(last);
    HostInfo host{.kernel = "6.1.0", .machine = "x86_64", .cpus_online = options_.cpus, .hz = 250};
    for (std::uint16_t i = 0; i < options_.cpus; ++i) {
      host.topology.push_back({.cpu = Cpu{i}, .core = i / 2, .package = 0, .llc = 0, .node = 0});
    }
    builder.set_host(host);
    CaptureInfo capture{.window_begin = window_begin_, .window_end = window_end_, .complete = true};
    builder.set_capture(capture);
    for (std::uint16_t i = 0; i < options_.cpus; ++i) add_records(builder, Cpu{i});
    return std::move(builder).build();
  }

  void add_records(TraceBuilder& builder, Cpu cpu) {
    Time last_kept = Time{};
    std::uint64_t lost = 0;
    std::uint32_t to_lose = 0;
    for (const AnyEvent& any : records_[raw(cpu)]) {
      std::visit(
          [&](const auto& event) {
            if (to_lose == 0 && options_.loss > 0 && chance(options_.loss)) to_lose = 1 + below(6);
            if (to_lose > 0) {
              --to_lose;
              ++lost;
              return;
            }
            if (lost > 0) builder.add_lost({cpu, last_kept, event.at, std::exchange(lost, 0)});
            last_kept = event.at;
            builder.add(event, event_stream(cpu, kSchedulerLane));
          },
          any);
    }
    if (lost > 0) builder.add_lost({cpu, last_kept, window_end_, lost});
  }

  std::map<Tid, std::vector<TrueInterval>> clipped_truth() {
    std::map<Tid, std::vector<TrueInterval>> truth;
    for (auto& [tid, thread] : threads_) {
      if (thread.alive) {
        thread.now.end = window_end_;
        thread.past.push_back(thread.now);
      }
      for (TrueInterval one : thread.past) {
        one.begin = std::max(one.begin, window_begin_);
        one.end = std::min(one.end, window_end_);
        if (one.begin < one.end && one.state != State::kUnknown) truth[tid].push_back(one);
      }
    }
    return truth;
  }

  SimulatorOptions options_;
  std::mt19937 random_;
  Time now_{Nanos{1'000'000}};
  bool recording_ = false;
  Time window_begin_;
  Time window_end_;
  std::vector<CpuState> cpus_;
  std::map<Tid, Thread> threads_;
  std::vector<std::vector<AnyEvent>> records_;  // by CPU
};

}  // namespace

Simulation simulate(const SimulatorOptions& options) { return Machine(options).run(); }

}  // namespace observe
