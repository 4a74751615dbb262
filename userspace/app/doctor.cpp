#include "app/doctor.h"

#include <algorithm>
#include <vector>

#include "base/text.h"

namespace observe::app {
namespace {

constexpr std::size_t kNameColumn = 10;
constexpr std::size_t kMostNameColumns = 30;

struct Mark {
  std::string_view word;
  render::Ink ink;
};

Mark mark_of(const Capability& capability) {
  if (capability.available) return {"ok", render::Ink::kGood};
  if (capability.required) return {"missing", render::Ink::kBad};
  return {"without", render::Ink::kDoubtful};  // works, with less
}

void add_wrapped(std::vector<render::Line>& lines, std::string_view words, std::size_t column,
                 std::size_t columns, render::Ink ink) {
  const std::size_t room = columns > column + kNameColumn ? columns - column : kNameColumn;
  bool first = true;
  for (const std::string& part : text::wrap(text::sanitise(words), room)) {
    if (!first) lines.emplace_back();
    first = false;
    lines.back().column(column).add(part, ink);
  }
}

}  // namespace

bool can_observe(std::span<const Capability> capabilities) {
  return std::ranges::none_of(capabilities, [](const Capability& capability) {
    return capability.required && !capability.available;
  });
}

std::string doctor_text(std::span<const Capability> capabilities,
                        const render::TerminalStyle& style) {
  std::size_t widest = 0;
  for (const Capability& capability : capabilities) {
    widest = std::max(widest, text::width(text::sanitise(capability.name)));
  }
  const std::size_t detail_column = kNameColumn + std::min(widest, kMostNameColumns) + 2;
  std::vector<render::Line> lines;
  for (const Capability& capability : capabilities) {
    const Mark mark = mark_of(capability);
    lines.emplace_back().add(mark.word, mark.ink).column(kNameColumn).add(capability.name);
    add_wrapped(lines, capability.detail, detail_column, style.columns, render::Ink::kPlain);
    if (capability.available || capability.advice.empty()) continue;
    lines.emplace_back();
    add_wrapped(lines, capability.advice, detail_column, style.columns, render::Ink::kStrong);
  }
  lines.emplace_back();
  if (can_observe(capabilities)) {
    lines.emplace_back().add("This machine can be observed.", render::Ink::kGood);
  } else {
    lines.emplace_back().add("This machine cannot be observed as it is.", render::Ink::kBad);
  }
  return render::write_lines(lines, style);
}

}  // namespace observe::app
