// A run from beginning to end, and a report made later: their exit status. Errors are printed.
#pragma once

#include "app/invocation.h"

namespace observe::app {

inline constexpr int kStrictStatus = 4;

int run_session(const RunInvocation& run);
int run_report(const ReportInvocation& report);

}  // namespace observe::app
