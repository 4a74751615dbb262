// Who ran on a CPU while observed threads waited for it.
#pragma once

#include <vector>

#include "analysis/timelines.h"
#include "analysis/waiters.h"

namespace observe {

struct Holding {
  enum class Kind : std::uint8_t { kThread, kIdle, kUnknown };
  Kind kind = Kind::kThread;
  ThreadRef thread = kNoThread;  // kThread only
  Nanos time{};                  // summed over the threads that waited meanwhile
};

// Longest first. The times add up to the waiting of the threads in question: a CPU is held by a
// thread, or it is idle (still waking up, or the wait is too short to be balanced away), or what
// ran there is not known.
std::vector<Holding> holders(const Facts& facts, const WaitStretches& waits);
std::vector<Holding> holders(const Facts& facts);                    // over all observed threads
std::vector<Holding> holders_of(const Facts& facts, ThreadRef ref);  // over one thread's waits
// During one stretch of time of one CPU.
std::vector<Holding> holders_during(const Facts& facts, Cpu cpu, Time begin, Time end);

}  // namespace observe
