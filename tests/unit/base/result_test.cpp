#include "base/result.h"

#include <cerrno>

#include "support/catch.h"

namespace observe {

TEST_CASE("an error says what failed, why, and what to try") {
  const Error error = error_from_errno("load the BPF programs", EPERM, "run with sudo");
  CHECK(error.text() == "cannot load the BPF programs: Operation not permitted\n  run with sudo");
  CHECK(error.failure == Failure::kRuntime);
}

TEST_CASE("an error without advice is one line") {
  CHECK(usage_error("read --threads", "'x' is not a number").text() ==
        "cannot read --threads: 'x' is not a number");
}

}  // namespace observe
