// The summary as JSON, schema observe.summary/1: keys may be added to it, never changed or
// dropped. Times are integer nanoseconds. Text is valid UTF-8 whatever the names were; numbers
// that are none (no value, not finite) are null.
#pragma once

#include <string>

#include "report/summary.h"

namespace observe::render {

inline constexpr const char* kSummarySchema = "observe.summary/1";

// Indented by two spaces, keys in the order of the schema, with a newline at the end.
std::string json_summary(const report::Summary& summary);

}  // namespace observe::render
