// Ends a test that this machine cannot run, visibly: ctest shows it as skipped. With
// OBSERVE_REQUIRE_LIVE set, as on a machine that is known to be able, it fails instead.
#pragma once

#include <cstdlib>
#include <iostream>
#include <string>

#include "support/catch.h"

// A macro, because the test itself has to return. Use it before anything is asserted: a skip
// outweighs a failure.
#define OBSERVE_SKIP_UNLESS(condition, reason)                                      \
  do {                                                                              \
    if (!(condition)) {                                                             \
      if (std::getenv("OBSERVE_REQUIRE_LIVE") != nullptr) FAIL(reason);             \
      std::cout << "SKIPPED: " << std::string(reason) << std::endl; /* see CMake */ \
      return;                                                                       \
    }                                                                               \
  } while (false)
