#include "analysis/percentiles.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace observe {
namespace {

// Buckets by order of magnitude: five bits below the highest one, so that the bucket in which a
// rank falls holds few of many values and only those need to be put in order.
constexpr unsigned kFraction = 5;
constexpr std::size_t kBuckets = std::size_t{65 - kFraction} << kFraction;

std::size_t bucket_of(Nanos length) {
  const auto value = static_cast<std::uint64_t>(length.count());
  const auto magnitude = static_cast<unsigned>(std::bit_width(value >> kFraction));
  if (magnitude == 0) return value;
  const std::uint64_t fraction = (value >> (magnitude - 1)) % (1u << kFraction);
  return (std::size_t{magnitude} << kFraction) + fraction;
}

}  // namespace

void Lengths::add(const Lengths& others) {
  if (others.values_.empty()) return;
  const bool longer = values_.empty() || others.longest_ > longest_ ||
                      (others.longest_ == longest_ && others.longest_end_ < longest_end_);
  if (longer) {
    longest_ = others.longest_;
    longest_end_ = others.longest_end_;
  }
  values_.insert(values_.end(), others.values_.begin(), others.values_.end());
}

report::Percentiles Lengths::percentiles(Time origin) const {
  report::Percentiles result;
  if (values_.empty()) return result;
  result.count = values_.size();
  result.max = longest_;
  result.max_at = longest_end_ - origin;

  std::array<std::size_t, kBuckets> held{};
  for (const Nanos length : values_) ++held[bucket_of(length)];
  std::vector<Nanos> candidates;
  const auto rank = [&](std::size_t percent) {
    std::size_t position = (values_.size() * percent + 99) / 100 - 1;
    std::size_t bucket = 0;
    while (position >= held[bucket]) position -= held[bucket++];
    candidates.clear();
    std::ranges::copy_if(values_, std::back_inserter(candidates),
                         [bucket](Nanos length) { return bucket_of(length) == bucket; });
    const auto wanted = candidates.begin() + static_cast<std::ptrdiff_t>(position);
    std::nth_element(candidates.begin(), wanted, candidates.end());
    return *wanted;
  };
  result.p50 = rank(50);
  result.p90 = rank(90);
  result.p99 = rank(99);
  return result;
}

}  // namespace observe
