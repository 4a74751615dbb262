// Exact percentiles by nearest rank: the p-th percentile of n values is the ceil(p * n / 100)-th
// smallest, so it is always one of the values and never an interpolation.
#pragma once

#include <vector>

#include "base/units.h"
#include "report/summary.h"

namespace observe {

// Lengths of things that ended one after the other, or of several such series.
class Lengths {
 public:
  void add(Nanos length, Time end) {
    if (values_.empty() || length > longest_ || (length == longest_ && end < longest_end_)) {
      longest_ = length;
      longest_end_ = end;
    }
    values_.push_back(length);
  }
  void add(const Lengths& others);
  void clear() { values_.clear(); }

  // Moments are relative to `origin`.
  report::Percentiles percentiles(Time origin) const;

 private:
  std::vector<Nanos> values_;  // none is negative
  Nanos longest_{};
  Time longest_end_;  // of the first of the longest
};

}  // namespace observe
