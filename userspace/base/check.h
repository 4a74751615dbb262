// Checks for bugs: they stay on in release builds. The environment's failures are Results.
#pragma once

#include <source_location>

namespace observe {

[[noreturn]] void check_failed(const char* condition, std::source_location where);

}  // namespace observe

#define OBSERVE_CHECK(condition) \
  ((condition) ? void(0) : ::observe::check_failed(#condition, std::source_location::current()))
