#include "analysis/judges/cpu_sharing.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "analysis/wording.h"

namespace observe {

Stretch common_stretch(const std::vector<Actor>& actors) {
  if (actors.empty()) return {};
  const Time begin = std::ranges::max(actors, {}, &Actor::begin).begin;
  return {begin, std::max(begin, std::ranges::min(actors, {}, &Actor::end).end)};
}

Nanos time_in(const Facts& facts, const std::vector<Actor>& actors, const Stretch& stretch,
              State state) {
  Nanos sum{};
  for (const Actor& actor : actors) {
    for (const Interval& interval : facts.timeline(actor.thread).intervals) {
      if (interval.state != state) continue;
      sum += std::max(
          Nanos{0}, std::min(interval.end, stretch.end) - std::max(interval.begin, stretch.begin));
    }
  }
  return sum;
}

Nanos idle_time(const Facts& facts, const std::vector<Cpu>& cpus, const Stretch& stretch) {
  Nanos sum{};
  for (const CpuTimeline& timeline : facts.timelines.cpus) {
    if (!std::ranges::binary_search(cpus, timeline.cpu)) continue;
    for (const CpuSlice& slice : timeline.slices) {
      if (!slice.known || slice.thread != kNoThread) continue;
      sum += std::max(Nanos{0},
                      std::min(slice.end, stretch.end) - std::max(slice.begin, stretch.begin));
    }
  }
  return sum;
}

std::string boot_options_text(const HostInfo& host) {
  if (host.boot_options.empty()) return {};
  return fmt::format(", booted with {}", fmt::join(host.boot_options, " "));
}

void doubt_unknown(Conditions& conditions, const Expected& expected, double unknown, Nanos time) {
  if (!expected.predicted || !expected.measured) return;
  const double difference = std::abs(*expected.measured - *expected.predicted);
  if (difference <= expected.tolerance || difference > expected.tolerance + unknown) return;
  conditions.doubts.push_back(
      fmt::format("what the threads did is not known for {}", wording::duration(time)));
}

std::optional<std::string> unfair_policy(const Facts& facts) {
  const auto& parameters = facts.trace.run().parameters;
  const auto policy = parameters.find("policy");
  if (policy == parameters.end() || policy->second == "other" || policy->second == "batch") {
    return std::nullopt;
  }
  return fmt::format("no formula for threads of the policy {}", policy->second);
}

}  // namespace observe
