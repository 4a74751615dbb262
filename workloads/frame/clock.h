// Reading clocks from within a workload, through the vDSO where there is one.
#pragma once

#include <time.h>

#include "base/units.h"

namespace observe::workloads {

inline Nanos read_clock(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return Nanos{static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec};
}

// The clock of every event.
inline Time now() { return Time{read_clock(CLOCK_MONOTONIC)}; }
// CPU time of the calling thread: stands still while others run.
inline Nanos thread_cpu_time() { return read_clock(CLOCK_THREAD_CPUTIME_ID); }

}  // namespace observe::workloads
