#include "analysis/placement.h"

#include <algorithm>

namespace observe {
namespace {

bool same(int a, int b) { return a >= 0 && a == b; }
bool known(int a, int b) { return a >= 0 && b >= 0; }

}  // namespace

std::string_view distance_text(Distance distance) {
  switch (distance) {
    case Distance::kSameCore:
      return "within a core";
    case Distance::kSameLlc:
      return "within a last-level cache";
    case Distance::kSameNode:
      return "within a memory node";
    case Distance::kOtherNode:
      return "to another memory node";
    case Distance::kUnknown:
      break;
  }
  return "over an unknown distance";
}

Distance distance_between(std::span<const CpuTopology> topology, Cpu a, Cpu b) {
  const auto from = std::ranges::find(topology, a, &CpuTopology::cpu);
  const auto to = std::ranges::find(topology, b, &CpuTopology::cpu);
  if (from == topology.end() || to == topology.end()) return Distance::kUnknown;
  // Core numbers are only unique within a package.
  if (same(from->core, to->core) && same(from->package, to->package)) return Distance::kSameCore;
  if (same(from->llc, to->llc)) return Distance::kSameLlc;
  if (same(from->node, to->node)) return Distance::kSameNode;
  return known(from->node, to->node) ? Distance::kOtherNode : Distance::kUnknown;
}

Placement placement_of(const Facts& facts, ThreadRef ref) {
  Placement result;
  const ThreadTimeline& timeline = facts.timeline(ref);
  for (const Interval& interval : timeline.intervals) {
    if (interval.state != State::kRunning) continue;
    auto share = std::ranges::lower_bound(result.cpus, interval.cpu, {}, &CpuShare::cpu);
    if (share == result.cpus.end() || share->cpu != interval.cpu) {
      share = result.cpus.insert(share, {interval.cpu, Nanos{0}});
    }
    share->run += interval.length();
  }
  result.migrations = timeline.migrations.size();
  for (const Migrate& move : timeline.migrations) {
    ++result.by_distance[raw(distance_between(facts.trace.host().topology, move.from, move.to))];
  }
  return result;
}

}  // namespace observe
