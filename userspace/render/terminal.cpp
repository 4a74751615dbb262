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
  Lines verdict = verdict_lines(summary, columns);
  Lines numbers = number_lines(summary, columns);
  Lines trust = trust_lines(summary, options);

  // What is said in words stands; the bars share the rest. A role's bar is worth more than a
  // second pair of CPUs, and blank lines go before either.
  constexpr std::size_t kLegend = 1;
  const std::size_t words = top.size() + verdict.size() + numbers.size() + trust.size();
  std::size_t room = kSummaryLines - std::min(kSummaryLines, words);
  const std::size_t roles_wanted = summary.roles.size();
  const std::size_t cpus_wanted = summary.cpus.size();
  const std::size_t bars_wanted = kLegend + roles_wanted + cpus_wanted;
  const std::size_t blanks =
      room > bars_wanted ? std::min<std::size_t>(2, room - bars_wanted)
                         : (room > kLegend + 1 + std::min<std::size_t>(2, cpus_wanted) ? 1 : 0);
  room -= blanks;
  const std::size_t cpus_least = std::min<std::size_t>(2, cpus_wanted);
  const std::size_t roles_room = room > kLegend + cpus_least ? room - kLegend - cpus_least : 0;
  Lines roles = role_lines(summary, columns, std::min(roles_wanted, roles_room));
  const std::size_t cpus_room = room - std::min(room, roles.size());
  Lines cpus = cpu_lines(summary, columns, std::min(cpus_wanted, cpus_room));
  const std::size_t spare = room - std::min(room, roles.size() + cpus.size());

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
