// Every imperfection of a trace, in words: nothing is repaired silently.
#pragma once

#include <string>
#include <vector>

#include "analysis/timelines.h"

namespace observe {

std::vector<std::string> quality_notes(const Facts& facts);

}  // namespace observe
