// Work of a known size: a counted loop, calibrated in CPU time. Unlike waiting for a clock it does
// not shrink when the thread is preempted.
#pragma once

#include <cstdint>
#include <functional>

#include "base/units.h"

namespace observe::workloads {

// Counts down. One function, never inlined and aligned, because the speed of such a loop depends on
// where it lies in memory: the calibration holds for every caller.
void spin_iterations(std::uint64_t iterations);

// CPU nanoseconds that one iteration of `work(iterations)` takes on this CPU now, by the faster
// third of 15 runs: interrupts, steal and cold caches only ever add.
double calibrate(const std::function<void(std::uint64_t)>& work);

}  // namespace observe::workloads
