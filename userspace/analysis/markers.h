// How often the observed threads came to the places that they mark themselves: markers of a
// workload, and USDT probes of any program.
#pragma once

#include <vector>

#include "analysis/timelines.h"
#include "report/summary.h"

namespace observe {

// Within the window, by kind. A USDT probe that was asked for and never reached counts 0.
std::vector<report::MarkerCount> count_markers(const Facts& facts);

}  // namespace observe
