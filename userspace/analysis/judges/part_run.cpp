#include "analysis/judges/part_run.h"

#include <algorithm>

namespace observe {

std::uint64_t PartRun::switches_by(SwitchCause cause) const {
  std::uint64_t sum = 0;
  for (const Conduct& one : conduct) sum += one.switches_by(cause);
  return sum;
}

Nanos PartRun::in(State state) const {
  Nanos sum{};
  for (const Conduct& one : conduct) sum += one.in(state);
  return sum;
}

double PartRun::per_second(double count) const {
  return count / (static_cast<double>(to_ns(length())) / 1e9);
}

std::optional<PartRun> read_part(const Facts& facts, const WorkloadRun& run,
                                 std::string_view name) {
  const std::string stem(name);
  const auto begin = run.fact<std::int64_t>(stem + "_begin_ns");
  const auto end = run.fact<std::int64_t>(stem + "_end_ns");
  const auto operations = run.fact<std::int64_t>(stem + "_ops");
  if (!begin || !end || !operations || *operations < 0) return std::nullopt;
  PartRun part{.begin = std::max(time_at(*begin), facts.trace.begin()),
               .end = std::min(time_at(*end), facts.trace.end()),
               .operations = static_cast<std::uint64_t>(*operations),
               .conduct = {}};
  if (part.begin >= part.end) return std::nullopt;
  for (const Actor& actor : run.actors()) {
    part.conduct.push_back(conduct_of(facts, actor.thread, std::max(part.begin, actor.begin),
                                      std::min(part.end, actor.end)));
  }
  return part;
}

}  // namespace observe
