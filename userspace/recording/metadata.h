// What a recording says about itself, as JSON: readable with a hex editor, extensible by keys.
//
// Keys that a reader does not know are ignored, keys that are missing leave the default. A value of
// the wrong type, or out of its type's range, is an Error that names the key. Times and durations
// are integer nanoseconds. A string that is not valid UTF-8 (a command's argument may be any bytes)
// is stored as {"hex": "…"}.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "trace/run.h"

namespace observe {

std::string to_json(const RunInfo& run);
std::string to_json(const HostInfo& host);
std::string to_json(const CaptureInfo& capture);
std::string to_json(const WorkloadInfo& workload);

Result<RunInfo> run_from_json(std::string_view text);
Result<HostInfo> host_from_json(std::string_view text);
Result<CaptureInfo> capture_from_json(std::string_view text);
Result<WorkloadInfo> workload_from_json(std::string_view text);

}  // namespace observe
