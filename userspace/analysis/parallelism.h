// Parallelism: how many of the observed threads are on a CPU. Concurrency: how many are running or
// runnable. Both over time; means are time-weighted.
#pragma once

#include <vector>

#include "analysis/timelines.h"

namespace observe {

struct Parallelism {
  double parallelism_mean = 0;
  double concurrency_mean = 0;
  std::vector<Nanos> running;   // [k]: the time in which exactly k observed threads ran
  std::vector<Nanos> runnable;  // [k]: the time in which exactly k ran or waited for a CPU

  // The share of the window in which at least k ran.
  double share_running(std::size_t at_least) const;
};

Parallelism parallelism(const Facts& facts);

}  // namespace observe
