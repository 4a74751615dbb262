// Exact percentiles by nearest rank: the p-th percentile of n values is the ceil(p * n / 100)-th
// smallest, so it is always one of the values and never an interpolation.
#pragma once

#include <vector>

#include "base/units.h"
#include "report/summary.h"

namespace observe {

struct Sample {
  Nanos length{};
  Time end;  // when it ended
};

// Moments are relative to `origin`. Reorders the samples.
report::Percentiles percentiles(std::vector<Sample>& samples, Time origin);

}  // namespace observe
