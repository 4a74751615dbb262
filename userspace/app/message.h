// What is said to people on standard error.
#pragma once

#include <string_view>

#include "base/result.h"

namespace observe::app {

// "observe: TEXT", made inert; what is too long for the terminal is wrapped.
void say(std::string_view text);

// "observe: cannot ACTION: REASON"; the exit status that belongs to it.
int report_error(const Error& error);

}  // namespace observe::app
