// Waits while the target runs and is recorded, until something ends that.
#pragma once

#include <optional>
#include <string>

#include "app/signals.h"
#include "app/target.h"
#include "base/result.h"
#include "base/units.h"

namespace observe::app {

// How long a target that was asked to end may take before it is killed.
inline constexpr Nanos kGraceToEnd = std::chrono::seconds{5};

struct ObservationEnd {
  std::string reason;    // "ended", "duration", "interrupted", "recording failed"
  bool at_once = false;  // a second signal: no report is wanted
};

// `failure_fd`: readable when recording failed. `duration`: none where the target has its own.
Result<ObservationEnd> observe_until_end(Target& target, EndSignals& signals, int failure_fd,
                                         std::optional<Nanos> duration, Nanos grace = kGraceToEnd);

}  // namespace observe::app
