// What a recording says it holds, before any of it is read. Internal to the reader.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "recording/scan.h"

namespace observe::recording {

// What the trace of these chunks will take in memory, at most, going by what they claim. An Error
// when they claim more than any machine has.
Result<std::uint64_t> memory_needed(const chunk::Scan& scan);

}  // namespace observe::recording
