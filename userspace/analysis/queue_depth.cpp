#include "analysis/queue_depth.h"

#include "analysis/waiters.h"

namespace observe {

std::vector<QueueDepth> queue_depths(const Facts& facts) {
  std::vector<Overlap> waiters =
      intervals_by_cpu(facts, State::kWaiting, [](const ThreadInfo&) { return true; });
  std::vector<QueueDepth> result(waiters.size());
  const auto window = static_cast<double>(facts.window().count());
  for (std::size_t cpu = 0; cpu < waiters.size(); ++cpu) {
    QueueDepth& depth = result[cpu];
    double weighted = 0;
    waiters[cpu].for_each_stretch([&](Time begin, Time end, std::size_t waiting) {
      weighted += static_cast<double>(waiting) * static_cast<double>((end - begin).count());
      depth.not_empty += end - begin;
      if (waiting > depth.max) {
        depth.max = waiting;
        depth.max_at = begin;
      }
    });
    depth.mean = window > 0 ? weighted / window : 0;
  }
  return result;
}

}  // namespace observe
