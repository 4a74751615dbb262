// What the probes counted of themselves.
#pragma once

#include <cstdint>
#include <optional>

#include "capture/lanes.h"

namespace observe {

struct ProbeCosts {
  std::uint64_t records = 0;
  std::uint64_t timed = 0;
  std::uint64_t timed_ns = 0;
  std::uint64_t self_wakes = 0;

  // The probe may be counting while we look: the numbers then belong to moments a little apart.
  void add(const LaneReader& lane) {
    const auto read = [](const __u64& value) { return __atomic_load_n(&value, __ATOMIC_RELAXED); };
    records += lane.next_sequence();
    timed += read(lane.cursor().timed);
    timed_ns += read(lane.cursor().timed_ns);
    self_wakes += read(lane.cursor().self_wakes);
  }
  // The mean of one record in 64, times all of them. The way into the program (about 30 ns) and the
  // runs that record nothing are not in it. Nothing when there are records and none was timed.
  std::optional<std::uint64_t> estimated_ns() const {
    if (records == 0) return 0;
    if (timed == 0) return std::nullopt;
    return static_cast<std::uint64_t>(static_cast<double>(timed_ns) / static_cast<double>(timed) *
                                      static_cast<double>(records));
  }
};

}  // namespace observe
