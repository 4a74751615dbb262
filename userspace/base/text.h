// Text for people. Thread names, paths and command lines are any bytes: before they reach a
// terminal they become one line of valid, inert UTF-8, measured in columns and not in bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace observe::text {

inline constexpr char32_t kReplacement = 0xfffd;

// Takes the first character off `bytes`. Returns kReplacement for what is not UTF-8: overlong
// forms, surrogates, values beyond U+10FFFF and cut sequences cost one replacement per maximal
// part, as the Unicode Standard (3.9, table 3-7) recommends. `bytes` must not be empty.
char32_t take_code_point(std::string_view& bytes);

void append_utf8(std::string& text, char32_t code);

// The same text with every ill-formed part replaced: for JSON, which must not lose a character.
std::string valid_utf8(std::string_view bytes);

// For a terminal: valid UTF-8 on one line. Control characters and escape sequences become
// visible ("\x1b"), what has no width (combining marks, bidirectional controls, joiners) goes.
std::string sanitise(std::string_view bytes);

// The same, line by line: newlines stay.
std::string sanitise_lines(std::string_view bytes);

// Characters beyond ASCII become "?", one per column. For sanitised text.
std::string to_ascii(std::string_view text);

// Columns that sanitised text takes.
std::size_t width(std::string_view text);

// At most `columns` columns of sanitised text; what was cut shows as `ellipsis` (itself cut to
// fit when columns are fewer than it needs).
std::string cut(std::string_view text, std::size_t columns, std::string_view ellipsis = "…");

// cut(), then filled up with spaces to exactly `columns`.
std::string fit_left(std::string_view text, std::size_t columns, std::string_view ellipsis = "…");
std::string fit_right(std::string_view text, std::size_t columns, std::string_view ellipsis = "…");

// Broken at spaces into lines of at most `columns`; a word that is longer is broken anywhere.
// Lines after the first begin with `indent` spaces. Never empty: "" gives one empty line.
std::vector<std::string> wrap(std::string_view text, std::size_t columns, std::size_t indent = 0);

// How many single-character insertions, deletions, replacements and swaps of neighbours lead from
// one word to the other (optimal string alignment distance).
std::size_t edit_distance(std::string_view a, std::string_view b);

// The candidate nearest to `word`, when it is near enough to be what was meant: at most a third
// of the word's letters apart (one is always near), or the first that contains the word. Empty
// otherwise.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace observe::text
