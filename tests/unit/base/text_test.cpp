#include "base/text.h"

#include "base/text_width.h"
#include "support/catch.h"

namespace observe::text {

TEST_CASE("well-formed UTF-8 passes unchanged") {
  const std::string all = "a\xc2\xa3\xe2\x82\xac\xf0\x9f\x98\x80";
  CHECK(valid_utf8(all) == all);
  CHECK(sanitise(all) == all);
}

TEST_CASE("ill-formed UTF-8 becomes one replacement character per maximal part") {
  const std::string r = "\xef\xbf\xbd";
  CHECK(valid_utf8("\xff") == r);
  CHECK(valid_utf8("a\xc3") == "a" + r);
  CHECK(valid_utf8("\xe2\x82") == r);  // cut short
  CHECK(valid_utf8("\xe2\x82"
                   "a") == r + "a");
  CHECK(valid_utf8("\xc0\xaf") == r + r);                  // overlong slash
  CHECK(valid_utf8("\xed\xa0\x80") == r + r + r);          // a surrogate
  CHECK(valid_utf8("\xf4\x90\x80\x80") == r + r + r + r);  // beyond U+10FFFF
  CHECK(valid_utf8("\x80\x80") == r + r);
}

TEST_CASE("every byte pair gives valid, inert text") {
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const char bytes[] = {static_cast<char>(a), static_cast<char>(b)};
      const std::string clean = sanitise({bytes, 2});
      REQUIRE(valid_utf8(clean) == clean);
      REQUIRE(sanitise(clean) == clean);
      for (const char c : clean) REQUIRE((static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
    }
  }
}

TEST_CASE("control characters and escape sequences become visible") {
  CHECK(sanitise("a\x1b[31mred\n") == "a\\x1b[31mred\\n");
  CHECK(sanitise(std::string_view("\0\x7f", 2)) == "\\x00\\x7f");
  CHECK(sanitise("\xc2\x9b") == "\\x9b");  // C1: a one-character escape on some terminals
  CHECK(sanitise_lines("one\x1b\ntwo\r\n") == "one\\x1b\ntwo\\r\n");
}

TEST_CASE("characters without width are removed") {
  CHECK(sanitise("a\xe2\x80\xae"
                 "b") == "ab");  // right-to-left override
  CHECK(sanitise("a\xe2\x80\x8b"
                 "b") == "ab");         // zero-width space
  CHECK(sanitise("e\xcc\x81") == "e");  // combining acute
  CHECK(sanitise("\xef\xbb\xbf"
                 "a") == "a");  // byte order mark
}

TEST_CASE("width counts columns, not bytes or characters") {
  CHECK(code_point_width('a') == 1);
  CHECK(code_point_width(0x0301) == 0);
  CHECK(code_point_width(0x4e2d) == 2);
  CHECK(code_point_width(0x1f600) == 2);
  CHECK(code_point_width(0x2588) == 1);
  CHECK(width("\xe4\xb8\xad\xe6\x96\x87"
              "ab") == 6);
}

TEST_CASE("text is cut to columns and never through a character") {
  const std::string wide = "\xe4\xb8\xad\xe6\x96\x87\xe5\xad\x97";  // three wide characters
  CHECK(cut("worker", 6) == "worker");
  CHECK(cut("worker", 5) == "work…");
  CHECK(cut("worker", 5, "...") == "wo...");
  CHECK(cut("worker", 2, "...") == "..");
  CHECK(cut("worker", 0).empty());
  CHECK(cut(wide, 5) == "\xe4\xb8\xad\xe6\x96\x87…");
  CHECK(cut(wide, 4) == "\xe4\xb8\xad…");
  CHECK(fit_left(wide, 4) == "\xe4\xb8\xad… ");
  CHECK(fit_left("ab", 4) == "ab  ");
  CHECK(fit_right("ab", 4) == "  ab");
}

TEST_CASE("ASCII terminals get one question mark per column") {
  CHECK(to_ascii("caf\xc3\xa9 \xe4\xb8\xad") == "caf? ??");
}

TEST_CASE("text wraps at spaces and breaks words that are too long") {
  CHECK(wrap("", 10) == std::vector<std::string>{""});
  CHECK(wrap("one two three", 7) == std::vector<std::string>{"one two", "three"});
  CHECK(wrap("one two three", 7, 2) == std::vector<std::string>{"one two", "  three"});
  CHECK(wrap("abcdefgh", 3) == std::vector<std::string>{"abc", "def", "gh"});
  CHECK(wrap("a abcdefgh", 4, 1) == std::vector<std::string>{"a", " abc", " def", " gh"});
  CHECK(wrap("x", 0) == std::vector<std::string>{"x"});
  for (const std::string& line : wrap(std::string(200, 'x') + " y " + std::string(90, 'z'), 80, 4))
    CHECK(width(line) <= 80);
}

TEST_CASE("a mistyped word finds its nearest candidate, a foreign one none") {
  const std::vector<std::string_view> names{"contended-counter", "ping-pong", "amdahl"};
  CHECK(nearest("contended-conter", names) == "contended-counter");
  CHECK(nearest("pingpong", names) == "ping-pong");
  CHECK(nearest("counter", names) == "contended-counter");
  CHECK(nearest("zzz", names).empty());
  CHECK(nearest(std::string(100'000, 'a'), names).empty());
  CHECK(edit_distance("ab", "ba") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
}

}  // namespace observe::text
