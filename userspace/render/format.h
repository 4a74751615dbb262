// The shared formats, and the arithmetic of what is drawn.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/format.h"

namespace observe::render {

using format::bytes;
using format::count;
using format::duration;
using format::number;
using format::percent;

// The sum, or the nearest value that can be held: recordings may say anything.
std::int64_t saturating_sum(std::int64_t a, std::int64_t b);

// Splits `whole` units among the parts in proportion, by largest remainder, so that they add up to
// `whole` exactly (or are all zero when the parts are). Negative parts count as zero. Ties go to
// the earlier part.
std::vector<int> apportion(std::span<const std::int64_t> parts, int whole);

}  // namespace observe::render
