#include "base/text.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text_width.h"

namespace observe::text {
namespace {

bool is_control(char32_t code) { return code < 0x20 || (code >= 0x7f && code < 0xa0); }

// What a lead byte promises: how many bytes follow, and the range of the first of them, which is
// what keeps overlong forms, surrogates and values beyond U+10FFFF out.
struct Lead {
  std::size_t following;
  unsigned char low, high;
  char32_t bits;
};

Lead lead_of(unsigned char byte) {
  if (byte >= 0xc2 && byte <= 0xdf) return {1, 0x80, 0xbf, byte & 0x1fu};
  if (byte == 0xe0) return {2, 0xa0, 0xbf, 0};
  if (byte == 0xed) return {2, 0x80, 0x9f, 0xd};
  if (byte >= 0xe1 && byte <= 0xef) return {2, 0x80, 0xbf, byte & 0xfu};
  if (byte == 0xf0) return {3, 0x90, 0xbf, 0};
  if (byte >= 0xf1 && byte <= 0xf3) return {3, 0x80, 0xbf, byte & 0x7u};
  if (byte == 0xf4) return {3, 0x80, 0x8f, 4};
  return {0, 0, 0, 0};
}

void append_visible(std::string& out, char32_t code) {
  if (code == kReplacement || !is_control(code)) {
    if (code_point_width(code) > 0) append_utf8(out, code);
    return;
  }
  switch (code) {
    case '\n':
      out += "\\n";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\r':
      out += "\\r";
      return;
    default:
      out += fmt::format("\\x{:02x}", static_cast<unsigned>(code));
      return;
  }
}

// The longest beginning of `text` that fits, in bytes; `used` gets its columns.
std::size_t bytes_within(std::string_view text, std::size_t columns, std::size_t& used) {
  std::string_view rest = text;
  used = 0;
  while (!rest.empty()) {
    std::string_view after = rest;
    const std::size_t one = code_point_width(take_code_point(after));
    if (used + one > columns) break;
    used += one;
    rest = after;
  }
  return text.size() - rest.size();
}

}  // namespace

char32_t take_code_point(std::string_view& bytes) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) {
    bytes.remove_prefix(1);
    return first;
  }
  const Lead lead = lead_of(first);
  char32_t code = lead.bits;
  std::size_t length = 1;
  for (std::size_t i = 1; i <= lead.following; ++i) {
    if (i >= bytes.size()) break;
    const unsigned char low = i == 1 ? lead.low : 0x80;
    const unsigned char high = i == 1 ? lead.high : 0xbf;
    if (byte(i) < low || byte(i) > high) break;
    code = (code << 6) | (byte(i) & 0x3fu);
    ++length;
  }
  const bool whole = lead.following > 0 && length == lead.following + 1;
  bytes.remove_prefix(length);
  return whole ? code : kReplacement;
}

void append_utf8(std::string& text, char32_t code) {
  const auto put = [&](char32_t byte) { text += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | (code >> 6));
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3f));
    put(0x80 | ((code >> 6) & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

std::string valid_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) append_utf8(out, take_code_point(bytes));
  return out;
}

std::string sanitise(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) append_visible(out, take_code_point(bytes));
  return out;
}

std::string sanitise_lines(std::string_view bytes) {
  std::string out;
  for (;;) {
    const std::size_t end = bytes.find('\n');
    out += sanitise(bytes.substr(0, end));
    if (end == std::string_view::npos) return out;
    out += '\n';
    bytes.remove_prefix(end + 1);
  }
}

std::string to_ascii(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const char32_t code = take_code_point(text);
    if (code < 0x80) {
      out += static_cast<char>(code);
    } else {
      out.append(code_point_width(code), '?');
    }
  }
  return out;
}

std::size_t width(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) columns += code_point_width(take_code_point(text));
  return columns;
}

std::string cut(std::string_view text, std::size_t columns, std::string_view ellipsis) {
  std::size_t used = 0;
  if (bytes_within(text, columns, used) == text.size()) return std::string(text);
  const std::size_t room = columns - std::min(columns, width(ellipsis));
  std::string out(text.substr(0, bytes_within(text, room, used)));
  out += ellipsis.substr(0, bytes_within(ellipsis, columns, used));
  return out;
}

std::string fit_left(std::string_view text, std::size_t columns, std::string_view ellipsis) {
  std::string out = cut(text, columns, ellipsis);
  out.append(columns - width(out), ' ');
  return out;
}

std::string fit_right(std::string_view text, std::size_t columns, std::string_view ellipsis) {
  const std::string inner = cut(text, columns, ellipsis);
  return std::string(columns - width(inner), ' ') + inner;
}

std::vector<std::string> wrap(std::string_view text, std::size_t columns, std::size_t indent) {
  std::vector<std::string> lines{""};
  const auto start_line = [&] { lines.emplace_back(indent, ' '); };
  const auto is_bare = [&] { return lines.back().find_first_not_of(' ') == std::string::npos; };
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    if (!is_bare() && width(lines.back()) + 1 + width(word) > columns) {
      start_line();
    } else if (!is_bare()) {
      lines.back() += ' ';
    }
    while (width(lines.back()) + width(word) > columns) {
      const std::size_t taken = width(lines.back());
      std::size_t used = 0;
      std::size_t bytes = bytes_within(word, columns - std::min(columns, taken), used);
      // Even where nothing fits one character goes through, so that this ends.
      if (bytes == 0) {
        std::string_view rest = word;
        take_code_point(rest);
        bytes = word.size() - rest.size();
      }
      lines.back() += word.substr(0, bytes);
      word.remove_prefix(bytes);
      if (word.empty()) break;
      start_line();
    }
    lines.back() += word;
  }
  return lines;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before.swap(above);
    above.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, above[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
  }
  return row[b.size()];
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
  constexpr std::size_t kLongestWord = 64;  // longer input is no typing mistake
  if (word.size() > kLongestWord) return {};
  constexpr std::size_t kPart = 4;  // "counter" means contended-counter
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  if (!best.empty() || word.size() < kPart) return best;
  for (const std::string_view candidate : candidates) {
    if (candidate.find(word) != std::string_view::npos) return candidate;
  }
  return {};
}

}  // namespace observe::text
