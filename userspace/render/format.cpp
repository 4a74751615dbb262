#include "render/format.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>

namespace observe::render {

std::int64_t saturating_sum(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return a > 0 ? std::numeric_limits<std::int64_t>::max()
               : std::numeric_limits<std::int64_t>::min();
}

std::vector<int> apportion(std::span<const std::int64_t> parts, int whole) {
  std::vector<int> units(parts.size(), 0);
  long double sum = 0;
  for (const std::int64_t part : parts)
    sum += static_cast<long double>(std::max<std::int64_t>(part, 0));
  if (sum <= 0 || whole <= 0) return units;
  std::vector<long double> remainder(parts.size(), 0);
  int given = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const long double exact =
        static_cast<long double>(std::max<std::int64_t>(parts[i], 0)) * whole / sum;
    units[i] = static_cast<int>(std::floor(exact));
    remainder[i] = exact - static_cast<long double>(units[i]);
    given += units[i];
  }
  std::vector<std::size_t> order(parts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return remainder[a] > remainder[b]; });
  for (std::size_t i = 0; given < whole; ++i, ++given) ++units[order[i % order.size()]];
  return units;
}

}  // namespace observe::render
