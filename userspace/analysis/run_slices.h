// Run slices: from a switch-in to the next switch-out. Those that the window or a loss cuts are
// left out: their true length is not known.
#pragma once

#include <vector>

#include "analysis/timelines.h"
#include "report/summary.h"

namespace observe {

struct RunSlices {
  report::Percentiles all;                   // of the observed threads
  std::vector<report::Percentiles> threads;  // by ThreadRef
};

RunSlices run_slices(const Facts& facts);

}  // namespace observe
