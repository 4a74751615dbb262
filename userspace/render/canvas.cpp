#include "render/canvas.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace observe::render {
namespace {

// SGR sequences of the eight standard colours, which every theme keeps readable. Blocked is cyan
// and waiting yellow: told apart with any colour vision, and by their characters without colour.
std::string_view sgr(Ink ink) {
  switch (ink) {
    case Ink::kPlain:
      return "";
    case Ink::kStrong:
      return "\x1b[1m";
    case Ink::kDim:
      return "\x1b[2m";
    case Ink::kRunning:
      return "\x1b[32m";
    case Ink::kWaiting:
      return "\x1b[33m";
    case Ink::kBlocked:
      return "\x1b[36m";
    case Ink::kUnknown:
      return "\x1b[2m";
    case Ink::kGood:
      return "\x1b[1;32m";
    case Ink::kDoubtful:
      return "\x1b[1;33m";
    case Ink::kBad:
      return "\x1b[1;31m";
  }
  return "";
}
constexpr std::string_view kSgrReset = "\x1b[0m";

struct StandIn {
  char32_t symbol;
  std::string_view ascii;
};

constexpr std::array kStandIns{
    StandIn{U'█', "#"},  StandIn{U'▇', "*"},  StandIn{U'▆', "+"},  StandIn{U'▅', "="},
    StandIn{U'▄', "~"},  StandIn{U'▃', "-"},  StandIn{U'▂', "."},  StandIn{U'▁', "_"},
    StandIn{U'▒', "="},  StandIn{U'░', "."},  StandIn{U'┄', "?"},  StandIn{U'▪', "o"},
    StandIn{U'µ', "u"},  StandIn{U'μ', "u"},  StandIn{U'·', "|"},  StandIn{U'×', "x"},
    StandIn{U'…', "~"},  StandIn{U'–', "-"},  StandIn{U'—', "-"},  StandIn{U'−', "-"},
    StandIn{U'→', "->"}, StandIn{U'≤', "<="}, StandIn{U'≥', ">="}, StandIn{U'≈', "~"},
    StandIn{U'±', "+-"}, StandIn{U'≠', "!="}, StandIn{U'’', "'"},  StandIn{U'“', "\""},
    StandIn{U'”', "\""},
};

}  // namespace

std::string ascii_symbols(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::string_view before = text;
    const char32_t code = text::take_code_point(text);
    const auto* known = std::find_if(kStandIns.begin(), kStandIns.end(),
                                     [&](const StandIn& s) { return s.symbol == code; });
    if (known != kStandIns.end()) {
      out += known->ascii;
    } else {
      out += text::to_ascii(before.substr(0, before.size() - text.size()));
    }
  }
  return out;
}

Line& Line::add(std::string_view text, Ink ink) {
  std::string clean = text::sanitise(text);
  if (clean.empty()) return *this;
  width_ += text::width(clean);
  if (!segments_.empty() && segments_.back().ink == ink) {
    segments_.back().text += clean;
  } else {
    segments_.push_back({std::move(clean), ink});
  }
  return *this;
}

Line& Line::column(std::size_t column) {
  if (column == width_) return *this;
  return add(std::string(column > width_ ? column - width_ : 1, ' '));
}

std::string Line::write(const TerminalStyle& style) const {
  // A stand-in may be wider than its symbol, so they come before the measuring.
  std::vector<Segment> segments = segments_;
  std::size_t width = 0;
  for (Segment& segment : segments) {
    if (!style.unicode) segment.text = ascii_symbols(segment.text);
    width += text::width(segment.text);
  }
  std::string out;
  std::size_t room = style.columns;
  const bool fits = width <= style.columns;
  for (const Segment& segment : segments) {
    if (room == 0) break;
    const std::size_t wanted = text::width(segment.text);
    // The ellipsis belongs to the last segment that shows.
    const bool last = !fits && (wanted >= room);
    std::string shown = last ? text::cut(segment.text + "…", room) : segment.text;
    room -= std::min(room, text::width(shown));
    if (!style.unicode) shown = ascii_symbols(shown);
    if (&segment == &segments.back() || last) shown.erase(shown.find_last_not_of(' ') + 1);
    const bool inked = style.colour && segment.ink != Ink::kPlain;
    if (inked && !shown.empty()) {
      out += sgr(segment.ink);
      out += shown;
      out += kSgrReset;
    } else {
      out += shown;
    }
    if (last) break;
  }
  return out;
}

std::string write_lines(const std::vector<Line>& lines, const TerminalStyle& style) {
  std::string out;
  for (const Line& line : lines) {
    out += line.write(style);
    out += '\n';
  }
  return out;
}

}  // namespace observe::render
