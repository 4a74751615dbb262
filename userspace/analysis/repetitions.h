// Several runs of the same, put together.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "report/repetitions.h"

namespace observe {

// Nothing for no values; values that are not finite are left out.
std::optional<report::Spread> spread_of(std::vector<double> values);

// A run that was interrupted is shorter than the others: it counts only when no other is there.
report::Repetitions compare_repetitions(std::uint64_t asked,
                                        std::vector<report::Summary> summaries);

}  // namespace observe
