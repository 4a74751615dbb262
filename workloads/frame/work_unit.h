// Work of a known size: a counted loop, calibrated in CPU time. Unlike waiting for a clock it does
// not shrink when the thread is preempted.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>

#include "base/units.h"

namespace observe::workloads {

// Counts down. One function, never inlined and aligned, because the speed of such a loop depends on
// where it lies in memory: the calibration holds for every caller.
void spin_iterations(std::uint64_t iterations);

// Work in CPU time, once an iteration has been calibrated.
class WorkUnit {
 public:
  explicit WorkUnit(double iteration_ns) : iteration_ns_(iteration_ns) {}
  std::uint64_t iterations(Nanos cpu_time) const {
    return static_cast<std::uint64_t>(
        std::llround(static_cast<double>(to_ns(cpu_time)) / iteration_ns_));
  }
  void work(Nanos cpu_time) const { spin_iterations(iterations(cpu_time)); }

 private:
  double iteration_ns_;
};

// CPU nanoseconds that one iteration of `work(iterations)` takes on this CPU now, by the faster
// third of 15 runs: interrupts, steal and cold caches only ever add.
double calibrate(const std::function<void(std::uint64_t)>& work);

}  // namespace observe::workloads
