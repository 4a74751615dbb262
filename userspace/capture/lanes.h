// The memory that probes and recorder share: sizes, and one lane of one CPU as its reader sees it.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"
#include "base/units.h"
#include "observe/wire.h"

namespace observe {

// Slots are records of 48 bytes; each number is a power of two.
struct LaneSizes {
  std::uint32_t sched_slots = 0;
  std::uint32_t life_slots = 0;
  std::uint32_t cpus = 0;  // possible ones: a CPU may come online while we watch

  std::uint64_t bytes_per_cpu() const {
    return (std::uint64_t{sched_slots} + life_slots) * sizeof(observe_record);
  }
  std::uint32_t slots(std::uint32_t lane) const {
    return lane == OBSERVE_LANE_SCHED ? sched_slots : life_slots;
  }
};

// Sizes for a machine with `possible_cpus`. The scheduler lane gets `bytes_per_cpu`, or when that
// is zero 8 MiB, less where many CPUs would make that more than 256 MiB in all; rounded down to a
// power of two of slots. The lifecycle lane gets an eighth, at most 16384 slots: creating and
// reaping a process writes up to six of its records and takes a kernel at least 30 µs, so that one
// CPU fills 0.8 MB in no less than 80 ms, four times as long as the recorder ever sleeps. An Error
// when there are more CPUs than the probes have cursors for, or the request is out of bounds.
Result<LaneSizes> lane_sizes(std::uint64_t bytes_per_cpu, int possible_cpus);

// How long the recorder may sleep so that no CPU, at two million records a second, fills more than
// half of its lane: 20 ms, or less for small lanes, never under 1 ms.
Nanos drain_interval(const LaneSizes& sizes);

// One lane of one CPU. The probe on that CPU writes, one thread reads.
class LaneReader {
 public:
  // `records` is the lane's part of the shared array.
  LaneReader(observe_cursor* cursor, std::span<const observe_record> records)
      : cursor_(cursor), records_(records) {}

  // Records written and not yet taken, up to `limit` and to the end of the array (then call again).
  std::span<const observe_record> peek(std::size_t limit) const;
  // Gives the first `count` of them back to the probe.
  void release(std::size_t count);

  std::uint64_t backlog() const;  // records
  // Written and dropped together: the sequence number that the next record will carry.
  std::uint64_t next_sequence() const;
  const observe_cursor& cursor() const { return *cursor_; }

 private:
  observe_cursor* cursor_;
  std::span<const observe_record> records_;
};

}  // namespace observe
