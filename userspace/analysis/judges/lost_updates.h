// Finds the cause of each lost update of the contended counter on one CPU: a thread was preempted
// after it had loaded the count and before it stored the sum, and another counter thread ran before
// it returned.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "analysis/timelines.h"

namespace observe {

// A counter thread and its measured phase.
struct CounterThread {
  ThreadRef ref = kNoThread;
  Time begin;
  Time end;
};

// Instruction addresses: [begin, end) is after the load and not after the store.
struct CodeWindow {
  std::uint64_t load = 0;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  bool holds(std::uint64_t ip) const { return begin <= ip && ip < end; }
};

// From a switch-out of a counter thread in its phase to its return.
struct Absence {
  std::size_t thread = 0;  // position among the counter threads
  Time out;
  Time in;          // its return, at the earliest; the end of its life where it did not return
  Time in_at_last;  // later than `in` where the recording does not say what it did meanwhile
  std::uint64_t user_ip = 0;
  SwitchCause cause = SwitchCause::kPreempted;
  bool in_sequence = false;  // between `load`, that included, and `end`
  bool in_window = false;    // loaded, and not stored
  bool rival_ran = false;    // another counter thread was at work meanwhile
  bool explains = false;     // a stale store was matched with it
};

struct StaleStore {
  std::size_t thread = 0;
  Time at;
  std::int64_t thrown_away = 0;  // increments of others: count overwritten less count loaded
  std::optional<std::size_t> absence;
};

struct LostUpdates {
  std::vector<Absence> absences;   // of each thread by time
  std::vector<StaleStore> stores;  // of each thread by time

  // Preempted in user mode or in the kernel while a rival ran: the ends of time slices.
  std::uint64_t preemptions = 0;
  std::uint64_t in_window = 0;    // of those: between load and store
  std::uint64_t in_sequence = 0;  // of all absences, whoever ran
  // Of those: at the same instruction as the one before, after a run so short that the thread may
  // not have been back in user mode.
  std::uint64_t repeated = 0;
  std::uint64_t matched = 0;  // stale stores with a cause of their own
  std::uint64_t unmatched() const { return stores.size() - matched; }
  std::uint64_t unexplained() const { return in_window - matched; }  // in the window, nothing lost
};

// Each stale store is matched with the latest absence of its thread that ended before it, began in
// the window, during which a rival ran, and which no other store has taken. Absences in the window
// without a rival may lie between the two; an absence that began elsewhere may not, for by then the
// store was done. Only for threads that share a CPU.
LostUpdates match_lost_updates(const Facts& facts, std::span<const CounterThread> threads,
                               const CodeWindow& window);

}  // namespace observe
