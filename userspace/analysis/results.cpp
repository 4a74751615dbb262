#include "analysis/results.h"

#include <numeric>

namespace observe {

std::uint64_t Results::switch_count() const {
  return std::accumulate(switches.begin(), switches.end(), std::uint64_t{0});
}

Results analyse(const Facts& facts) {
  const WaitStretches waits = waiting_targets(facts);
  Results results{.accounts = account_threads(facts),
                  .latency = runq_latency(facts),
                  .slices = run_slices(facts),
                  .parallelism = parallelism(facts),
                  .queues = queue_depths(facts),
                  .cpus = cpu_use(facts, kUtilisationParts),
                  .holders = holders(facts, waits),
                  .noise = measure_noise(facts, waits)};
  results.blocking.resize(facts.timelines.threads.size());
  results.placement.resize(facts.timelines.threads.size());
  std::vector<std::vector<Blocking>> of_targets;
  facts.for_each_thread([&](ThreadRef ref, const ThreadInfo& info, const ThreadTimeline& timeline) {
    results.blocking[raw(ref)] = blocking_of(timeline);
    results.placement[raw(ref)] = placement_of(facts, ref);
    if (!info.target) return;
    of_targets.push_back(results.blocking[raw(ref)]);
    const Placement& own = results.placement[raw(ref)];
    results.target_placement.migrations += own.migrations;
    for (std::size_t i = 0; i < kDistances; ++i) {
      results.target_placement.by_distance[i] += own.by_distance[i];
    }
    for (std::size_t i = 0; i < kSwitchCauses; ++i) results.switches[i] += timeline.switches[i];
    results.wakeups += timeline.wakeups;
  });
  results.target_blocking = merge_blocking(of_targets);
  return results;
}

}  // namespace observe
