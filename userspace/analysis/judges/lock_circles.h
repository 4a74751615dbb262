// What the judges of deadlocks share.
#pragma once

#include <optional>
#include <string>

#include "analysis/judges/prediction.h"
#include "analysis/judges/workload_run.h"
#include "analysis/lock_use.h"

namespace observe {

bool circle_has(const WaitCircle& circle, ThreadRef thread);

// "taker-0 wants B, held by taker-1; taker-1 wants A, held by taker-0"; of a long circle the first.
std::string circle_text(const Facts& facts, const WaitCircle& circle);

// For what is known from markers alone, whatever else runs.
Conditions marker_conditions(const Facts& facts);

// When the actor last wanted a lock, at or before `at`.
std::optional<Time> wanting_before(const Facts& facts, const Actor& actor, Time at);

}  // namespace observe
