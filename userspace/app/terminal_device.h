// What the descriptors of this process are connected to, and how to write to them.
#pragma once

#include <string_view>

#include "app/invocation.h"
#include "base/result.h"
#include "render/canvas.h"

namespace observe::app {

// Colour on a terminal that takes it, unless NO_COLOR says otherwise; ASCII where the locale is
// not UTF-8; at most 80 columns, fewer on a narrow terminal.
render::TerminalStyle style_for(int fd, Colour colour);

bool is_terminal(int fd);

// All of it, or an Error: a reader that went away, a full disk. SIGPIPE must be ignored.
Result<void> write_all(int fd, std::string_view text, std::string_view what);

}  // namespace observe::app
