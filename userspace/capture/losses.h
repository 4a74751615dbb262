// Finds the records that a full lane cost, and between which kept ones they lay.
#pragma once

#include <cstdint>
#include <optional>

#include "base/units.h"
#include "observe/wire.h"
#include "trace/run.h"

namespace observe {

// Follows the sequence numbers of one lane of one CPU. A dropped record takes a number too, so a
// number left out between two records is a record lost between their times.
class LossTracker {
 public:
  // `begin`: nothing was recorded before.
  LossTracker(Cpu cpu, Time begin) : cpu_(cpu), last_at_(begin) {}

  // What was lost just before this record.
  std::optional<LostInterval> see(const observe_head& head) {
    const std::uint32_t missing =
        head.seq - next_;  // numbers wrap around; fewer than 2^32 are lost
    const Time at = time_at(static_cast<std::int64_t>(head.at));
    std::optional<LostInterval> lost;
    if (missing != 0) [[unlikely]] {
      lost = LostInterval{.cpu = cpu_, .from = last_at_, .to = at, .count = missing};
    }
    next_ = head.seq + 1;
    last_at_ = at;
    return lost;
  }

  // What was lost after the last record: `next_sequence` is what the next one would carry.
  std::optional<LostInterval> finish(std::uint64_t next_sequence, Time end) const {
    const std::uint32_t missing = static_cast<std::uint32_t>(next_sequence) - next_;
    if (missing == 0) return std::nullopt;
    return LostInterval{.cpu = cpu_, .from = last_at_, .to = end, .count = missing};
  }

 private:
  Cpu cpu_;
  std::uint32_t next_ = 0;
  Time last_at_;
};

}  // namespace observe
