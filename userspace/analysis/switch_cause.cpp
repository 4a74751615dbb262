#include <charconv>

#include "analysis/timelines.h"
#include "trace/syscall_names.h"
#include "trace/task_state.h"

namespace observe {

SwitchCause cause_of(const Switch& event, SleepingLocks locks) {
  if (!is_runnable(event.prev_state) && !event.preempt) {
    return is_dead(event.prev_state) ? SwitchCause::kExited : SwitchCause::kBlocked;
  }
  if (locks == SleepingLocks::kPreemptedInState2 &&
      raw(event.prev_state) == task_bits::kUninterruptible) {
    return SwitchCause::kBlocked;
  }
  if (!event.kernel_thread && is_sched_yield(event.syscall, event.compat)) {
    return SwitchCause::kYielded;
  }
  return SwitchCause::kPreempted;
}

// The real-time patches for 5.10 count a switch as voluntary when `(!preempt || spinning_lock) &&
// prev_state`; 5.15 gave such sleeps a state of their own (TASK_RTLOCK_WAIT) and no preempt flag.
SleepingLocks sleeping_locks(const HostInfo& host) {
  if (host.preempt_model != "rt") return SleepingLocks::kOrdinary;
  const char* const end = host.kernel.data() + host.kernel.size();
  int major = 0;
  int minor = 0;
  const auto [after_major, bad_major] = std::from_chars(host.kernel.data(), end, major);
  if (bad_major != std::errc{} || after_major == end || *after_major != '.') {
    return SleepingLocks::kOrdinary;
  }
  const auto [after_minor, bad_minor] = std::from_chars(after_major + 1, end, minor);
  if (bad_minor != std::errc{}) return SleepingLocks::kOrdinary;
  const bool before_5_15 = major < 5 || (major == 5 && minor < 15);
  return before_5_15 ? SleepingLocks::kPreemptedInState2 : SleepingLocks::kOrdinary;
}

}  // namespace observe
