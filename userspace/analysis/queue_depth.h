// The exact number of threads, of the whole machine, that waited for each CPU. Counted from the
// waits themselves: no sampling, and asleep threads whose dequeue is delayed do not count.
#pragma once

#include <vector>

#include "analysis/timelines.h"

namespace observe {

struct QueueDepth {
  double mean = 0;  // threads runnable and not running, time-weighted
  std::uint64_t max = 0;
  Time max_at;  // when it was first reached
  Nanos not_empty{};
};

std::vector<QueueDepth> queue_depths(const Facts& facts);  // by CPU number

}  // namespace observe
