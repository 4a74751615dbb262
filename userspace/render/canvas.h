// Lines of inked text for a terminal: built once, then written in colour or plain, in Unicode or
// ASCII, with the same layout in every case.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace observe::render {

enum class Ink {
  kPlain,
  kStrong,   // titles
  kDim,      // labels
  kRunning,  // the states have one colour everywhere
  kWaiting,
  kBlocked,
  kUnknown,
  kGood,
  kDoubtful,
  kBad,
};

struct TerminalStyle {
  bool colour = false;
  bool unicode = true;  // false: one ASCII character stands for each symbol
  std::size_t columns = 80;
};

class Line {
 public:
  // Text of the program's own or of anybody else's: it is made inert here.
  Line& add(std::string_view text, Ink ink = Ink::kPlain);
  // Spaces up to a column (counted from 0); one space where the text is beyond it already.
  Line& column(std::size_t column);
  std::size_t width() const { return width_; }
  bool empty() const { return segments_.empty(); }
  // Cut to the style's columns, without trailing spaces or a newline.
  std::string write(const TerminalStyle& style) const;

 private:
  struct Segment {
    std::string text;
    Ink ink;
  };
  std::vector<Segment> segments_;
  std::size_t width_ = 0;
};

// Every symbol that the renderers use has an ASCII stand-in of one column; other characters
// become "?". Expects sanitised text.
std::string ascii_symbols(std::string_view text);

std::string write_lines(const std::vector<Line>& lines, const TerminalStyle& style);

}  // namespace observe::render
