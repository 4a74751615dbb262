#include "analysis/judges/lock_circles.h"

#include <fmt/format.h>

#include <algorithm>

#include "analysis/wording.h"

namespace observe {

bool circle_has(const WaitCircle& circle, ThreadRef thread) {
  return std::ranges::find(circle.members, thread, &WaitCircle::Member::thread) !=
         circle.members.end();
}

std::string circle_text(const Facts& facts, const WaitCircle& circle) {
  constexpr std::size_t kMost = 4;
  const std::size_t size = circle.members.size();
  std::string text;
  for (std::size_t i = 0; i < std::min(size, kMost); ++i) {
    text +=
        fmt::format("{}{} wants {}, held by {}", i > 0 ? "; " : "",
                    facts.info(circle.members[i].thread).name(), lock_name(circle.members[i].wants),
                    facts.info(circle.members[(i + 1) % size].thread).name());
  }
  if (size > kMost) text += fmt::format("; and so on, {} more", size - kMost);
  return text;
}

Conditions marker_conditions(const Facts& facts) {
  Conditions conditions{.quiet = false, .lossless = false};
  const std::uint64_t lost = facts.trace.quality().markers_lost;
  if (lost > 0) conditions.doubts.push_back(wording::count(lost, "marker") + " lost");
  return conditions;
}

std::optional<Time> wanting_before(const Facts& facts, const Actor& actor, Time at) {
  std::optional<Time> found;
  for (const Marker& marker : markers_of(facts, actor, MarkerKind::kLockWanted)) {
    if (marker.at <= at) found = marker.at;
  }
  return found;
}

}  // namespace observe
