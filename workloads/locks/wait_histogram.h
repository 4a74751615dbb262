// How long many waits were, in bounded memory: buckets of one part in 64 of their own size.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/units.h"

namespace observe::workloads {

class WaitHistogram {
 public:
  void add(Nanos wait) {
    const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(to_ns(wait), 0));
    ++counts_[bucket_of(ns)];
    ++count_;
    longest_ = std::max(longest_, ns);
  }
  void add(const WaitHistogram& other) {
    for (std::size_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
    count_ += other.count_;
    longest_ = std::max(longest_, other.longest_);
  }
  std::uint64_t count() const { return count_; }
  Nanos longest() const { return Nanos{static_cast<std::int64_t>(longest_)}; }

  // By nearest rank, the lower end of its bucket: at most 1/64 too low. 0 for no waits.
  Nanos quantile(double share) const {
    const double rank = std::max(share * static_cast<double>(count_), 1.0);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
      seen += counts_[i];
      if (counts_[i] > 0 && static_cast<double>(seen) >= rank) {
        return Nanos{static_cast<std::int64_t>(lower_end(i))};
      }
    }
    return longest();
  }

 private:
  static constexpr unsigned kBits = 6;
  static constexpr std::uint64_t kParts = 1u << kBits;
  static constexpr unsigned kLargest = 40;  // doublings: waits up to 18 minutes
  static constexpr std::size_t kBuckets = (kLargest - kBits + 1) * kParts;

  static std::size_t bucket_of(std::uint64_t ns) {
    ns = std::min(ns, (std::uint64_t{1} << kLargest) - 1);
    if (ns < kParts) return static_cast<std::size_t>(ns);
    const auto shift = static_cast<unsigned>(std::bit_width(ns)) - kBits - 1;
    return static_cast<std::size_t>(shift * kParts + (ns >> shift));
  }
  static std::uint64_t lower_end(std::size_t bucket) {
    if (bucket < kParts) return bucket;
    const std::size_t shift = bucket / kParts - 1;
    return (bucket - shift * kParts) << shift;
  }

  std::array<std::uint64_t, kBuckets> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t longest_ = 0;
};

}  // namespace observe::workloads
