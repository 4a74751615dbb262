// The clock of every event, and the CPU time of a thread.
#pragma once

#include <time.h>

#include <cstdint>

#include "base/units.h"

namespace observe {

inline std::int64_t clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

inline Time monotonic_now() { return time_at(clock_ns(CLOCK_MONOTONIC)); }

// User and system time of the calling thread.
inline std::uint64_t thread_cpu_ns() {
  return static_cast<std::uint64_t>(clock_ns(CLOCK_THREAD_CPUTIME_ID));
}

}  // namespace observe
