// Computing in pieces that are short enough to notice the stop flag soon.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "workloads/frame/stage.h"
#include "workloads/frame/work_unit.h"

namespace observe::workloads {

// How long a thread may compute before it looks at the stop flag.
inline constexpr Nanos kSpinPiece = std::chrono::microseconds{200};

// A thread that never gives its CPU up: pieces until it is told to stop, or --ops of them are done.
// Returns how many.
inline std::int64_t spin_pieces(const Worker& worker, const WorkUnit& unit) {
  const std::uint64_t iterations = unit.iterations(kSpinPiece);
  const std::int64_t wanted =
      worker.operations().value_or(std::numeric_limits<std::int64_t>::max());
  std::int64_t done = 0;
  for (; done < wanted && !worker.stopping(); ++done) spin_iterations(iterations);
  return done;
}

// Work of this CPU time, in pieces; false when it was told to stop before it was done.
inline bool spin_for(const Worker& worker, const WorkUnit& unit, Nanos cpu_time) {
  const std::uint64_t piece = std::max<std::uint64_t>(unit.iterations(kSpinPiece), 1);
  for (std::uint64_t left = unit.iterations(cpu_time); left > 0;) {
    if (worker.stopping()) return false;
    const std::uint64_t now = std::min(left, piece);
    spin_iterations(now);
    left -= now;
  }
  return true;
}

}  // namespace observe::workloads
