// --reps: the same observation several times, and what they say together.
#pragma once

#include <optional>

#include "app/invocation.h"
#include "app/output_files.h"
#include "app/signals.h"
#include "base/identity.h"
#include "base/result.h"

namespace observe::app {

// The exit status. Each observation runs in a child process, because it gives up its rights before
// it ends and the next one needs them again. An interrupt ends the series with the observation that
// runs; what was recorded until then is reported.
Result<int> run_repeatedly(const RunInvocation& run, const Identity& user,
                           std::optional<OutputFile>& json, EndSignals signals);

}  // namespace observe::app
