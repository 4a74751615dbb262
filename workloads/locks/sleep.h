// Sleeping for a span of time, as a thread does that waits for a device or a person.
#pragma once

#include <time.h>

#include "base/units.h"

namespace observe::workloads {

// At least so long, unless a signal comes.
inline void sleep_for(Nanos time) {
  const std::int64_t ns = to_ns(time);
  const timespec span{.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000};
  clock_nanosleep(CLOCK_MONOTONIC, 0, &span, nullptr);
}

}  // namespace observe::workloads
