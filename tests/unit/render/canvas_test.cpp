#include "render/canvas.h"

#include "base/text.h"
#include "support/catch.h"

namespace observe::render {

TEST_CASE("a line is cut to the terminal and says so") {
  Line line;
  line.add("states").column(10).add("12345678901");
  CHECK(line.write({.columns = 80}) == "states    12345678901");
  CHECK(line.write({.columns = 12}) == "states    1…");
  CHECK(line.write({.unicode = false, .columns = 12}) == "states    1~");
  CHECK(line.write({.columns = 10}) == "states   …");
  CHECK(line.write({.columns = 21}) == "states    12345678901");
}

TEST_CASE("ink is written only in colour, and always taken off again") {
  Line line;
  line.add("shown", Ink::kGood).add(" plain");
  CHECK(line.write({.colour = false}) == "shown plain");
  CHECK(line.write({.colour = true}) == "\x1b[1;32mshown\x1b[0m plain");
  CHECK(line.write({.colour = true, .columns = 4}) == "\x1b[1;32msho…\x1b[0m");
}

TEST_CASE("hostile text cannot reach the terminal") {
  Line line;
  line.add(
      "\x1b]0;title\x07\xff\xe2\x80\xae"
      "x\n");
  CHECK(line.write({}) == "\\x1b]0;title\\x07\xef\xbf\xbdx\\n");
}

TEST_CASE("every symbol of a bar or a sparkline has a stand-in as wide as itself") {
  const std::string symbols = "▁▂▃▄▅▆▇█▒░┄µ·×…–≈";
  const std::string ascii = ascii_symbols(symbols);
  CHECK(ascii.find('?') == ascii.rfind('?'));  // only the sign of the unknown state
  CHECK(text::width(ascii) == text::width(symbols));
  CHECK(ascii_symbols("ö") == "?");
}

TEST_CASE("symbols of arithmetic are spelt out, and a line is cut only after that") {
  CHECK(ascii_symbols("146 ±2, ≤3, ≥4, a→b") == "146 +-2, <=3, >=4, a->b");
  Line line;
  line.add("ab±").add("cd");
  TerminalStyle style;
  style.unicode = false;
  style.columns = 6;
  CHECK(line.write(style) == "ab+-cd");
  style.columns = 5;
  CHECK(text::width(line.write(style)) == 5);
}

TEST_CASE("trailing spaces are not written") {
  Line line;
  line.add("a", Ink::kDim).column(20);
  CHECK(line.write({}) == "a");
}

}  // namespace observe::render
