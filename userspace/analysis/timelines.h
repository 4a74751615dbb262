// The states of every thread over time, and who ran on every CPU: the one place where events
// become intervals. All analyses read these; none walks the events on its own account again.
//
// What is decided here, and how imperfect data is repaired:
//  - The window is [trace.begin(), trace.end()). Earlier events (probes attach before the seeds
//    are read) set states; intervals are clipped to the window and marked.
//  - A thread's first state is what its events before its seed tell; without such events it is
//    what the seed tells. A thread with neither seed nor fork is known from its first event on;
//    nothing is claimed about it before.
//  - A thread born in the trace lives from its sched_wakeup_new (from its fork where that is
//    missing: the kernel queues every new thread right after it) to its last switch-out.
//  - waiting begins at the wakeup, at creation, or at a switch-out while runnable; a migration
//    splits it into parts (`continues`, `continued`) of one wait. A wakeup of a thread that is
//    already runnable or running starts nothing.
//  - sched_waking may come before the switch-out that it ends (the waker does not hold the
//    run-queue lock yet): the thread then goes straight from running to wake delay.
//  - A thread switched in without a wakeup after its waking was in wake delay until then. One
//    switched in with neither: where no events were lost in between it had stayed runnable (a
//    signal was pending as it went to sleep), so its time is waiting; else it is unknown.
//  - Lost events of a CPU: what ran there, and the threads running or queued there, are unknown
//    from the last record before the gap until their own next event. A thread blocked meanwhile
//    stays blocked unless a later event contradicts it; then it is unknown from the first gap on.
//  - Events that contradict the states (garbage, or lost without notice) turn the open intervals
//    of those involved into unknown, and are counted. Nothing is ever counted twice: intervals
//    tile each thread's life and at most one thread runs on a CPU, whatever the events are.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/units.h"
#include "trace/trace.h"

namespace observe {

enum class State : std::uint8_t { kRunning, kWaiting, kWakeDelay, kBlocked, kUnknown };
enum class WaitCause : std::uint8_t { kWoken, kNew, kPreempted, kYielded, kUnknown };
enum class SwitchCause : std::uint8_t { kPreempted, kYielded, kBlocked, kExited };
inline constexpr std::size_t kStates = 5;
inline constexpr std::size_t kWaitCauses = 5;
inline constexpr std::size_t kSwitchCauses = 4;

// How the kernel reports a sleep on a lock that is a spinlock without PREEMPT_RT.
enum class SleepingLocks : std::uint8_t {
  kOrdinary,          // like any sleep, or there are none
  kPreemptedInState2  // 5.10-rt: as preempted with state D, though it counts them as voluntary
};
SleepingLocks sleeping_locks(const HostInfo& host);

// The switch-out cause, from the raw facts of a sched_switch record.
SwitchCause cause_of(const Switch& event, SleepingLocks locks = SleepingLocks::kOrdinary);

inline constexpr std::uint32_t kNoEvent = 0xffffffff;

struct Interval {
  Time begin;
  Time end;
  State state = State::kUnknown;
  WaitCause cause = WaitCause::kUnknown;             // kWaiting only
  WakeContext wake_context = WakeContext::kUnknown;  // as waker
  bool clipped_begin = false;                        // began before the window
  bool clipped_end = false;                          // ends after it
  bool continued = false;      // kWaiting: the next part of a wait that began on another CPU
  bool continues = false;      // kWaiting: the wait goes on in the next interval, elsewhere
  bool kernel_thread = false;  // kBlocked: the reason is the kernel thread's own
  bool compat = false;
  Cpu cpu{};                              // where it runs, waits or last ran
  Syscall syscall = kNoSyscall;           // kBlocked, and kWaiting after a switch-out
  RawState raw_state{};                   // kBlocked
  ThreadRef waker = kNoThread;            // kWakeDelay and kWaiting(kWoken)
  std::uint32_t begin_switch = kNoEvent;  // index into all<Switch>() where a switch began it
  std::uint32_t end_switch = kNoEvent;

  Nanos length() const { return end - begin; }
};
static_assert(sizeof(Interval) == 48);  // there is about one per event

struct ThreadTimeline {
  Time begin;  // of its life within the window; begin == end: it did not live in it
  Time end;
  std::vector<Interval> intervals;  // without gaps: they tile [begin, end); may be of length zero
  std::vector<Migrate> migrations;
  std::array<std::uint64_t, kSwitchCauses> switches{};  // switch-outs in the window, by cause
  std::uint64_t wakeups = 0;                            // that ended a sleep, in the window

  bool lived() const { return begin < end; }
  bool within(Time at) const { return begin <= at && at < end; }
  std::uint64_t switches_by(SwitchCause cause) const { return switches[raw(cause)]; }
};

struct CpuSlice {
  Time begin;
  Time end;
  ThreadRef thread = kNoThread;  // kNoThread: idle, or unknown
  bool known = true;             // false: events were lost here, or contradict each other

  Nanos length() const { return end - begin; }
};

struct CpuTimeline {
  Cpu cpu{};
  std::vector<CpuSlice> slices;  // tile the window; none: the CPU is offline or does not exist
};

struct TimelineQuality {
  std::uint64_t runs_without_wakeup = 0;  // switched in while blocked, no wake-up seen
  std::uint64_t switch_mismatches = 0;    // prev was not the thread believed to run there
  std::uint64_t spurious_wakeups = 0;     // of threads already runnable or running
  std::uint64_t wakings_without_wakeup = 0;
  std::uint64_t wakeups_without_waking = 0;
  std::uint64_t events_of_the_dead = 0;  // ignored: the thread had its last switch-out
};

struct Timelines {
  std::vector<ThreadTimeline> threads;  // by ThreadRef
  std::vector<CpuTimeline> cpus;        // by CPU number
  TimelineQuality quality;
};

Timelines build_timelines(const Trace& trace);

// What every analysis gets.
struct Facts {
  const Trace& trace;
  const Timelines& timelines;

  const ThreadInfo& info(ThreadRef ref) const { return trace.threads()[ref]; }
  const ThreadTimeline& timeline(ThreadRef ref) const { return timelines.threads[raw(ref)]; }
  Nanos window() const { return trace.end() - trace.begin(); }
  // Calls visit(ThreadRef, const ThreadInfo&, const ThreadTimeline&) for every thread that lived
  // in the window.
  template <class Visit>
  void for_each_thread(Visit&& visit) const {
    for (std::uint32_t i = 0; i < timelines.threads.size(); ++i) {
      if (timelines.threads[i].lived()) {
        visit(ThreadRef{i}, trace.threads()[ThreadRef{i}], timelines.threads[i]);
      }
    }
  }
};

}  // namespace observe
