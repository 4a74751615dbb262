// Builds a Trace from events, seeds and metadata, in whatever order they come: from a recording
// or from a test's script.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "trace/trace.h"

namespace observe {

// Streams of events. Within one, events must be added in their recorded order; between streams
// they are merged by time. Where times are equal the lifecycle lane goes before the scheduler's (a
// thread is forked before it is woken, exits before it is switched out), and markers go last.
inline constexpr std::uint32_t kSchedulerLane = 0;
inline constexpr std::uint32_t kLifecycleLane = 1;
inline constexpr std::uint32_t kLanes = 2;
constexpr std::uint32_t event_stream(Cpu cpu, std::uint32_t lane) {
  return raw(cpu) * kLanes + lane;
}
constexpr std::uint32_t marker_stream(std::uint16_t lane) { return 0x8000'0000u | lane; }

class TraceBuilder {
 public:
  TraceBuilder();
  TraceBuilder(TraceBuilder&&) noexcept;
  TraceBuilder& operator=(TraceBuilder&&) noexcept;
  ~TraceBuilder();

  // E is one of EventTypes; its ThreadRefs are ignored. An event older than its predecessor in the
  // stream is given the predecessor's time, and counted in Quality::clock_backwards.
  template <class E>
  void add(const E& event, std::uint32_t stream);

  void set_run(RunInfo run);
  void set_host(HostInfo host);
  void set_capture(CaptureInfo capture);
  void set_workload(WorkloadInfo workload);
  void add_first_seeds(std::span<const ThreadSeed> seeds);  // at the window's beginning
  void add_last_seeds(std::span<const ThreadSeed> seeds);   // at its end
  void add_lost(const LostInterval& lost);
  void note_damaged_block(std::uint64_t count = 1);
  void note_incomplete();
  void set_recording_bytes(std::uint64_t bytes);

  // Sorts, gives every tid its thread, marks targets and roles. The builder is spent afterwards.
  Trace build() &&;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace observe
