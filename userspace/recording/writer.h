// Writes a recording (.obs), streaming: see README.md in this folder for the format.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/fd.h"
#include "base/result.h"
#include "observe/wire.h"
#include "recording/codec.h"
#include "trace/events.h"
#include "trace/run.h"

namespace observe {

// Every call writes whole chunks, each with one system call, so that a kill tears at most the last
// one. Calls may come from several threads; they take turns. After the first error every further
// call returns it.
class RecordingWriter {
 public:
  // Takes an open, empty file. Writes the header.
  static Result<RecordingWriter> create(UniqueFd file);

  RecordingWriter(RecordingWriter&&) noexcept;
  RecordingWriter& operator=(RecordingWriter&&) noexcept;
  ~RecordingWriter();

  Result<void> write_run(const RunInfo& run);
  Result<void> write_host(const HostInfo& host);
  // As soon as it is known: a recording that is cut short has it from here.
  Result<void> write_window_begin(Time begin);
  Result<void> write_first_seeds(std::span<const observe_seed> seeds);
  Result<void> write_last_seeds(std::span<const observe_seed> seeds);
  // Compresses, too: for the writer thread.
  Result<void> write_events(const EncodedBlock& block);
  Result<void> write_markers(std::uint32_t lane, std::span<const Marker> markers);
  // "The events of every CPU up to `until` have been written": where the window of a recording
  // that is cut short ends. Worth a call whenever all encoders have been flushed.
  Result<void> write_checkpoint(Time until);
  // What is known of the capture by now, its window excepted: what there is to say of a recording
  // that is cut short.
  Result<void> write_progress(const CaptureInfo& capture);
  Result<void> write_lost(std::span<const LostInterval> lost);
  Result<void> write_workload(const WorkloadInfo& workload);
  // The closing part: without it a recording counts as incomplete. Sets capture.complete.
  Result<void> finish(const CaptureInfo& capture);

  std::uint64_t bytes_written() const;

 private:
  struct State;
  explicit RecordingWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace observe
