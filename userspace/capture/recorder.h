// Moves records from the lanes into a recording, with two threads: one that drains and encodes, as
// a real-time thread where that is permitted, and an ordinary one that compresses and writes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "capture/capture.h"
#include "capture/lanes.h"
#include "recording/writer.h"

namespace observe {

struct RecorderOptions {
  Nanos interval = std::chrono::milliseconds(20);  // between two looks at the lanes
  Time begin;                                      // nothing was recorded before
};

struct RecorderLane {
  Cpu cpu{};
  std::uint32_t lane = 0;  // enum observe_lane
  LaneReader reader;
};

// What a recorder says of itself at the end.
struct RecorderOutcome {
  std::optional<Error> error;  // the first; what came after it is not in the recording
  bool realtime = false;
  std::string note;                      // why not real-time
  std::uint64_t cpu_ns = 0;              // of both threads
  std::uint64_t peak_backlog_bytes = 0;  // of the lane that was ever fullest
  std::uint64_t markers_lost = 0;
};

// Memory is bounded however long it runs: encoders (at most one block each), and a queue of 512
// blocks, usually of 64 KiB and never of more than 256 KiB. When the writer cannot keep up records
// stay in the lanes, and what is lost then is counted and placed there. After an error it goes on
// draining, without writing.
class Recorder {
 public:
  // Drains from here on: make it before the probes are attached. Writer and lanes must outlive it.
  Recorder(std::vector<RecorderLane> lanes, RecordingWriter& writer, MarkerSource markers,
           RecorderOptions options);
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;
  ~Recorder();

  // The window has begun. From here on the first checkpoint comes after 50 ms, the next ones at
  // twice the distance each, up to a second: what an observer that is killed loses.
  void window_begins();

  // Readable after the first error.
  int failure_fd() const;

  // Drains what is left, writes it, and the losses after the last record of each lane, up to `end`.
  // The probes must be detached. Once.
  RecorderOutcome finish(Time end);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace observe
