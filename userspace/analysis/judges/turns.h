// Threads that share a CPU as a sequence of turns: who had it, from one hand-over to the next.
#pragma once

#include <cstddef>
#include <vector>

#include "analysis/judges/workload_run.h"

namespace observe {

// From the first switch-in of a thread to its last switch-out before another of the threads runs.
// Threads of others may run in between or after it: that is no hand-over among ours.
struct Turn {
  std::size_t actor = 0;  // position in the actors given
  Time begin;
  Time end;
  Nanos running{};
  bool interrupted = false;  // somebody else's thread ran within it, or before the next turn

  Nanos length() const { return end - begin; }
};

// Of these threads on the CPUs where they run, one after the other, from `begin` to `end`; what
// lies across a border is clipped to it. Means something when no two of them run at once.
std::vector<Turn> turns_of(const Facts& facts, const std::vector<Actor>& actors, Time begin,
                           Time end);

}  // namespace observe
