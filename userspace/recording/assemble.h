// Makes a trace of the chunks of a recording. Internal to the reader.
#pragma once

#include <cstdint>

#include "recording/scan.h"
#include "trace/trace.h"

namespace observe::recording {

Trace assemble(const chunk::Scan& scan, std::uint64_t recording_bytes);

}  // namespace observe::recording
