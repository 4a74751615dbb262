#include "app/terminal_device.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <string>

#include <fmt/format.h>

namespace observe::app {
namespace {

constexpr std::size_t kMostColumns = 80;
constexpr std::size_t kLeastColumns = 40;  // below, nothing sensible fits: let it wrap

std::string_view variable(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? std::string_view() : std::string_view(text);
}

// The locale's variables in their order (POSIX, 8.2), and not nl_langinfo(): a locale that is
// named but not installed would count as ASCII, which on minimal systems is every one.
bool locale_is_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string_view value = variable(name);
    if (value.empty()) continue;
    std::string lower(value);
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
    return lower.find("utf-8") != std::string::npos || lower.find("utf8") != std::string::npos;
  }
  return false;
}

std::size_t columns_of(int fd) {
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kMostColumns;
  return std::clamp<std::size_t>(size.ws_col, kLeastColumns, kMostColumns);
}

}  // namespace

bool is_terminal(int fd) { return isatty(fd) == 1; }

render::TerminalStyle style_for(int fd, Colour colour) {
  const std::string_view terminal = variable("TERM");
  const bool takes_colour =
      is_terminal(fd) && variable("NO_COLOR").empty() && !terminal.empty() && terminal != "dumb";
  return {.colour = colour == Colour::kAlways || (colour == Colour::kAuto && takes_colour),
          .unicode = locale_is_utf8(),
          .columns = columns_of(fd)};
}

Result<void> write_all(int fd, std::string_view text, std::string_view what) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail(error_from_errno(fmt::format("write {}", what), errno));
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace observe::app
