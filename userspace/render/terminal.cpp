#include "render/terminal.h"

#include <algorithm>

#include "render/terminal_parts.h"

namespace observe::render {
namespace {

void append(Lines& lines, Lines more) {
  lines.insert(lines.end(), std::make_move_iterator(more.begin()),
               std::make_move_iterator(more.end()));
}

}  // namespace

std::string terminal_summary(const report::Summary& summary, const SummaryOptions& options) {
  const std::size_t columns = options.style.columns;
  Lines top = title_lines(summary, options);
  Lines numbers = number_lines(summary, columns);
  Lines trust = trust_lines(summary, options);

  // Two bars of each kind are kept whatever there is to say; beyond that words come first, then
  // roles, then CPUs, then blank lines, then the evidence.
  constexpr std::size_t kLegend = 1, kLeastBars = 2;
  const auto left_of = [](std::size_t room, std::size_t taken) {
    return room - std::min(room, taken);
  };
  const std::size_t least_roles = std::min(kLeastBars, summary.roles.size());
  const std::size_t least_cpus = std::min(kLeastBars, summary.cpus.size());
  std::size_t room = left_of(kSummaryLines, top.size() + numbers.size() + trust.size());
  Lines verdict =
      verdict_lines(summary, columns, left_of(room, kLegend + least_roles + least_cpus));
  room = left_of(room, verdict.size());
  Lines roles = role_lines(summary, columns,
                           std::min(summary.roles.size(), left_of(room, kLegend + least_cpus)));
  room = left_of(room, roles.size());
  Lines cpus = cpu_lines(summary, columns, std::min(summary.cpus.size(), room));
  room = left_of(room, cpus.size());
  const std::size_t blanks = std::min<std::size_t>(room, 2);
  const std::size_t spare = room - blanks;

  Lines lines = std::move(top);
  if (blanks > 0) lines.emplace_back();
  append(lines, std::move(verdict));
  append(lines, evidence_lines(summary, columns, std::min<std::size_t>(spare, 2)));
  if (blanks > 1) lines.emplace_back();
  append(lines, std::move(roles));
  append(lines, std::move(cpus));
  append(lines, std::move(numbers));
  append(lines, std::move(trust));
  if (lines.size() > kSummaryLines) lines.resize(kSummaryLines);
  return write_lines(lines, options.style);
}

}  // namespace observe::render
