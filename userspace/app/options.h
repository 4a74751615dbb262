// The command line, strictly: everything is checked here, before anything starts.
#pragma once

#include <span>
#include <string>

#include "app/invocation.h"
#include "base/result.h"

namespace observe::app {

// Without the program's name. Every Error is a usage error that says what is allowed.
Result<Invocation> parse_command_line(std::span<const std::string> arguments,
                                      const workloads::Machine& machine);

// The few lines that a command line without a mode is answered with.
std::string short_usage();

}  // namespace observe::app
