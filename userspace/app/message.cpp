#include "app/message.h"

#include <unistd.h>

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "app/terminal_device.h"
#include "base/text.h"
#include "render/canvas.h"

namespace observe::app {

void say(std::string_view text) {
  const std::string clean = text::sanitise_lines(fmt::format("observe: {}", text));
  const render::TerminalStyle style = style_for(STDERR_FILENO, Colour::kNever);
  std::string out;
  for (std::string_view rest = clean;;) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    const std::size_t indent = std::min(line.find_first_not_of(' '), line.size());
    if (text::width(line) <= style.columns || !is_terminal(STDERR_FILENO)) {
      out += fmt::format("{}\n", line);
    } else {
      const std::string space(indent, ' ');
      for (const std::string& part : text::wrap(line.substr(indent), style.columns - indent)) {
        out += fmt::format("{}{}\n", space, part);
      }
    }
    if (end == rest.size()) break;
    rest.remove_prefix(end + 1);
  }
  // Standard error is the last place to tell anybody anything.
  [[maybe_unused]] const auto written =
      write_all(STDERR_FILENO, style.unicode ? out : render::ascii_symbols(out), "a message");
}

int report_error(const Error& error) {
  say(error.text());
  return static_cast<int>(error.failure);
}

}  // namespace observe::app
