#include "analysis/waiters.h"

namespace observe {

WaitStretches waiting_targets(const Facts& facts) {
  std::vector<Overlap> waiters =
      intervals_by_cpu(facts, State::kWaiting, [](const ThreadInfo& info) { return info.target; });
  WaitStretches stretches(waiters.size());
  for (std::size_t cpu = 0; cpu < waiters.size(); ++cpu) {
    waiters[cpu].for_each_stretch([&](Time begin, Time end, std::size_t waiting) {
      stretches[cpu].push_back({begin, end, waiting});
    });
  }
  return stretches;
}

}  // namespace observe
