#include "analysis/percentiles.h"

#include <algorithm>

namespace observe {

report::Percentiles percentiles(std::vector<Sample>& samples, Time origin) {
  report::Percentiles result;
  if (samples.empty()) return result;
  result.count = samples.size();
  const auto by_length = [](const Sample& a, const Sample& b) { return a.length < b.length; };
  const auto longest = std::ranges::max_element(samples, [](const Sample& a, const Sample& b) {
    return a.length != b.length ? a.length < b.length : a.end > b.end;
  });
  result.max = longest->length;
  result.max_at = longest->end - origin;

  auto from = samples.begin();
  const auto rank = [&](std::size_t percent) {
    const std::size_t position = (samples.size() * percent + 99) / 100 - 1;
    const auto wanted = samples.begin() + static_cast<std::ptrdiff_t>(position);
    std::nth_element(from, wanted, samples.end(), by_length);
    from = wanted;
    return wanted->length;
  };
  result.p50 = rank(50);
  result.p90 = rank(90);
  result.p99 = rank(99);
  return result;
}

}  // namespace observe
