// Writes a recording (.obs), streaming: see README.md in this folder for the format.
#pragma once

#include <cstdint>
#include <span>

#include "base/fd.h"
#include "base/result.h"
#include "observe/wire.h"
#include "trace/events.h"
#include "trace/run.h"

namespace observe {

// One block of encoded records, not yet compressed: what the drain thread hands to the writer
// thread.
class EncodedBlock;

// Turns consecutive records of one CPU and lane into columns. Fast, allocation-free once warm.
class BlockEncoder;

class RecordingWriter {
 public:
  // Takes an open, empty file. Writes the header.
  static Result<RecordingWriter> create(UniqueFd file);

  Result<void> write_run(const RunInfo& run);
  Result<void> write_host(const HostInfo& host);
  Result<void> write_first_seeds(std::span<const observe_seed> seeds);
  Result<void> write_last_seeds(std::span<const observe_seed> seeds);
  Result<void> write_events(const EncodedBlock& block);
  Result<void> write_markers(std::uint32_t lane, std::span<const Marker> markers);
  Result<void> write_lost(std::span<const LostInterval> lost);
  Result<void> write_workload(const WorkloadInfo& workload);
  // The closing part: without it a recording counts as incomplete.
  Result<void> finish(const CaptureInfo& capture);

  std::uint64_t bytes_written() const;
};

}  // namespace observe
