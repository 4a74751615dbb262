// A summary with every field filled in, for the renderers' tests.
#pragma once

#include "report/summary.h"

namespace observe::testing {

// Two threads fighting for one of two CPUs, as contended-counter --place one gives.
report::Summary sample_summary();

}  // namespace observe::testing
