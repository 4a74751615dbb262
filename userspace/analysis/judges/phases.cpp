#include "analysis/judges/phases.h"

#include <algorithm>

#include "analysis/blocking.h"

namespace observe {

std::vector<PhaseSpan> phases_of(const Facts& facts, const Actor& actor) {
  std::vector<PhaseSpan> phases;
  for (const Marker& marker : markers_of(facts, actor, MarkerKind::kPhase)) {
    const Time at = std::clamp(marker.at, actor.begin, actor.end);
    if (!phases.empty()) phases.back().end = at;
    phases.push_back({.number = marker.a, .begin = at, .end = actor.end});
  }
  return phases;
}

std::vector<PhaseSpan> every(const std::vector<PhaseSpan>& phases, std::uint64_t period,
                             std::uint64_t rest) {
  std::vector<PhaseSpan> chosen;
  std::ranges::copy_if(phases, std::back_inserter(chosen),
                       [&](const PhaseSpan& phase) { return phase.number % period == rest; });
  return chosen;
}

Nanos length_of(const std::vector<PhaseSpan>& phases) {
  Nanos sum{};
  for (const PhaseSpan& phase : phases) sum += phase.length();
  return sum;
}

Nanos time_in(const Facts& facts, const Actor& actor, const std::vector<PhaseSpan>& phases,
              State state, std::string_view reason) {
  Nanos sum{};
  auto phase = phases.begin();
  for (const Interval& interval : facts.timeline(actor.thread).intervals) {
    while (phase != phases.end() && phase->end <= interval.begin) ++phase;
    if (interval.state != state) continue;
    if (!reason.empty() && block_reason(interval).name != reason) continue;
    for (auto at = phase; at != phases.end() && at->begin < interval.end; ++at) {
      sum +=
          std::max(Nanos{0}, std::min(interval.end, at->end) - std::max(interval.begin, at->begin));
    }
  }
  return sum;
}

}  // namespace observe
