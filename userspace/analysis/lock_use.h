// What a program's own markers say about its locks (kLockWanted, kLockAcquired, kLockReleased), and
// what the kernel's events say about the threads meanwhile.
//
// A thread wants one lock at a time: a wait ends when it acquires the lock, or is abandoned when it
// wants or gives back another one first. A lock may have several holders at once (readers).
// kLockReleased is written before the lock is given back and kLockAcquired after it was had, so
// that a hold is never told longer than it was. Locks that are taken too often to mark each time do
// not appear here, or with a sample.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analysis/timelines.h"
#include "report/summary.h"

namespace observe {

// What a holder did while another thread waited for its lock.
struct LockHolder {
  ThreadRef thread = kNoThread;
  Nanos held{};     // of the wait
  Nanos running{};  // of that; what is left is unknown
  Nanos waiting{};  // for a CPU: it had been preempted, or woken and not yet run
  Nanos blocked{};
};

struct LockWait {
  ThreadRef thread = kNoThread;
  Time begin;
  Time end;
  std::vector<LockHolder> holders;  // in the order in which they came to hold it
};

struct LockUse {
  std::uint64_t lock = 0;
  std::uint64_t acquisitions = 0;
  std::uint64_t abandoned = 0;  // waits that were given up
  report::Percentiles wait;     // from wanted to acquired
  report::Percentiles hold;     // from acquired to released
  Nanos waited{};               // sum of all waits
  std::optional<LockWait> longest;
};

// Threads that wait for each other in a circle: members[i] holds what members[i - 1] wants, the
// first what the last one wants.
struct WaitCircle {
  struct Member {
    ThreadRef thread = kNoThread;
    std::uint64_t wants = 0;
  };
  Time begin;            // the last one wanted
  Time end;              // the first one went on or gave up
  bool lasting = false;  // it was closed when the recording ended
  std::vector<Member> members;
};

struct LockUses {
  std::vector<LockUse> locks;       // the most waited for first
  std::vector<WaitCircle> circles;  // by time; at most kMostCircles
  std::uint64_t circle_count = 0;
};
inline constexpr std::size_t kMostCircles = 16;

LockUses lock_use(const Facts& facts);

// For people: "A" to "Z", then "#26".
std::string lock_name(std::uint64_t lock);

}  // namespace observe
