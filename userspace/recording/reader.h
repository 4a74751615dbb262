// Reads a recording into a Trace. Damage costs the blocks it hits, and is counted.
#pragma once

#include <filesystem>
#include <span>

#include "base/fd.h"
#include "base/result.h"
#include "trace/trace.h"

namespace observe {

// An Error when the file cannot be opened, is no recording, or is of a newer version; anything
// that can be read is read: a torn tail, a damaged block or a missing closing part are in Quality.
Result<Trace> read_recording(const std::filesystem::path& path);
Result<Trace> read_recording(const UniqueFd& file);  // from its beginning; its offset stays
Result<Trace> read_recording(std::span<const std::byte> bytes);

}  // namespace observe
