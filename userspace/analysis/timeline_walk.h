// The state machine behind build_timelines(): one walk over the events. See timelines.h for what
// it decides.
#pragma once

#include <optional>
#include <vector>

#include "analysis/loss_map.h"
#include "analysis/timelines.h"

namespace observe {

class TimelineWalk {
 public:
  explicit TimelineWalk(const Trace& trace);
  Timelines run() &&;

  // Events change nothing here unless they are overloaded below.
  template <class E>
  void on(const E&) {}
  void on(const Switch& event);
  void on(const Waking& event);
  void on(const Wakeup& event);
  void on(const Migrate& event);
  void on(const Fork& event);

 private:
  enum class Life : std::uint8_t { kUnseen, kForked, kAlive, kDead };

  // A sched_waking seen while the thread was still runnable or running.
  struct EarlyWaking {
    Time at;
    ThreadRef waker = kNoThread;
    WakeContext context = WakeContext::kUnknown;
  };

  struct Thread {
    Life life = Life::kUnseen;
    bool only_woken = false;      // nothing but wake-ups tell of it: whether it ran is not known
    bool delay_is_early = false;  // in wake delay because of an early waking
    std::optional<EarlyWaking> early;
    Time forked;
    Cpu forked_on{};
    Time life_begin;
    Time life_end;
    Interval now;  // the open interval; its begin may lie before the window
  };

  struct CpuState {
    enum class Running : std::uint8_t { kUnseen, kUnknown, kIdle, kThread };
    Running running = Running::kUnseen;
    ThreadRef thread = kNoThread;
    Time since;
  };

  // Threads.
  void begin_life(ThreadRef ref, Time from);
  void open(ThreadRef ref, Time from, State state, Cpu cpu);
  void close(ThreadRef ref, Time until, std::uint32_t end_switch = kNoEvent);
  void push(ThreadRef ref, const Interval& interval);
  // Splits the open interval where a loss on its own CPU made it uncertain.
  void settle(ThreadRef ref, Time until);
  // Events at `until` show that the open interval cannot be what it seemed.
  void contradict(ThreadRef ref, Time until);
  void become_unknown(Thread& thread, ThreadRef ref, Time from);
  void resolve_missing_wakeup(ThreadRef ref, Time until);
  void undo_early_waking(ThreadRef ref);
  bool ignore(ThreadRef ref);

  // CPUs.
  CpuState& cpu_state(Cpu cpu) { return cpus_[raw(cpu)]; }
  void push_slice(Cpu cpu, Time from, Time to, ThreadRef thread, bool known);
  void close_slice(Cpu cpu, Time until);
  bool runs_on(ThreadRef ref, Cpu cpu) const;

  void switch_out(const Switch& event, std::uint32_t index);
  void switch_in(const Switch& event, std::uint32_t index);
  void apply_seeds_before(Time until);
  void apply_seed(ThreadRef ref, const ThreadSeed& seed);
  void finish();
  bool in_window(Time at) const { return begin_ <= at && at < end_; }
  Thread& at(ThreadRef ref) { return threads_[raw(ref)]; }

  const Trace& trace_;
  const Time begin_;
  const Time end_;
  const LossMap lost_;
  const SleepingLocks locks_;
  const bool runs_missed_;  // some losses have no place in time
  std::vector<Thread> threads_;
  std::vector<CpuState> cpus_;
  std::vector<ThreadRef> seeds_;  // by the time of their first seed
  std::size_t next_seed_ = 0;
  Timelines out_;
};

}  // namespace observe
