// What is worth saying about any run, in sentences: each is shown, consistent with the events, or
// cannot be told from them.
#pragma once

#include <vector>

#include "analysis/results.h"
#include "report/summary.h"

namespace observe {

// The most important thing about the run, in one sentence. For runs without a judge.
report::Finding verdict_of(const Facts& facts, const Results& results);

// The generic findings that have something to say here, most important first.
std::vector<report::Finding> findings(const Facts& facts, const Results& results);

}  // namespace observe
