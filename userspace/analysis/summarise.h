// From a trace to everything that is shown about it.
#pragma once

#include "analysis/timelines.h"
#include "report/summary.h"

namespace observe {

report::Summary summarise(const Facts& facts);

}  // namespace observe
