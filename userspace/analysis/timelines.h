// The states of every thread over time, and who ran on every CPU: the one place where events
// become intervals. All analyses read these; none walks the events on its own account again.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/units.h"
#include "trace/trace.h"

namespace observe {

enum class State : std::uint8_t { kRunning, kWaiting, kWakeDelay, kBlocked, kUnknown };
enum class WaitCause : std::uint8_t { kWoken, kNew, kPreempted, kYielded, kUnknown };
enum class SwitchCause : std::uint8_t { kPreempted, kYielded, kBlocked, kExited };

// The switch-out cause, from the raw facts of a sched_switch record.
SwitchCause cause_of(const Switch& event);

inline constexpr std::uint32_t kNoEvent = 0xffffffff;

struct Interval {
  Time begin;
  Time end;
  State state = State::kUnknown;
  WaitCause cause = WaitCause::kUnknown;  // kWaiting only
  bool clipped_begin = false;  // began before the window
  bool clipped_end = false;    // ends after it
  bool kernel_thread = false;  // kBlocked: the reason is the kernel thread's own
  bool compat = false;
  Cpu cpu{};                   // where it runs, waits or last ran
  Syscall syscall = kNoSyscall;          // kBlocked, and kWaiting after a switch-out
  RawState raw_state{};                  // kBlocked
  ThreadRef waker = kNoThread;           // kWakeDelay and kWaiting(kWoken)
  WakeContext wake_context = WakeContext::kUnknown;
  std::uint32_t begin_switch = kNoEvent; // index into all<Switch>() where a switch began it
  std::uint32_t end_switch = kNoEvent;

  Nanos length() const { return end - begin; }
};

struct ThreadTimeline {
  Time begin;  // of its life within the window
  Time end;
  std::vector<Interval> intervals;  // without gaps: they tile [begin, end)
  std::vector<Migrate> migrations;
  bool within(Time at) const { return begin <= at && at < end; }
};

struct CpuSlice {
  Time begin;
  Time end;
  ThreadRef thread = kNoThread;  // kNoThread: idle, or unknown
  bool known = true;             // false: events were lost here
};

struct CpuTimeline {
  Cpu cpu{};
  std::vector<CpuSlice> slices;  // tile the window
};

struct TimelineQuality {
  std::uint64_t runs_without_wakeup = 0;   // switched in while blocked, no wake-up seen
  std::uint64_t switch_mismatches = 0;     // prev was not the thread believed to run there
  std::uint64_t spurious_wakeups = 0;      // of threads already runnable or running
  std::uint64_t wakings_without_wakeup = 0;
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
};

}  // namespace observe
