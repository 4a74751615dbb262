// Builds a Trace from events, seeds and metadata, in whatever order they come: from a recording
// or from a test's script.
#pragma once

#include <span>
#include <vector>

#include "trace/trace.h"

namespace observe {

class TraceBuilder {
 public:
  // Events of one CPU and lane must come in their recorded order; streams may come in any order.
  // `stream` tells them apart (cpu * lanes + lane; markers: any number of their own).
  template <class E>
  void add(const E& event, std::uint32_t stream);

  void set_run(RunInfo run);
  void set_host(HostInfo host);
  void set_capture(CaptureInfo capture);
  void set_workload(WorkloadInfo workload);
  void add_first_seeds(std::span<const ThreadSeed> seeds);  // at the window's beginning
  void add_last_seeds(std::span<const ThreadSeed> seeds);   // at its end
  void add_lost(const LostInterval& lost);
  void note_damaged_block();
  void note_incomplete();
  void set_recording_bytes(std::uint64_t bytes);

  // Sorts, gives every tid its thread, marks targets and roles. The builder is spent afterwards.
  Trace build() &&;
};

}  // namespace observe
