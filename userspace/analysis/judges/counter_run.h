// What a recorded run of the contended counter says of itself, checked for sense: the recording may
// come from anywhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/judges/lost_updates.h"
#include "analysis/timelines.h"

namespace observe {

// How a kind of increment (--lock) is expected to behave.
enum class CounterNature { kRace, kOneInstruction, kCorrect };

struct CounterRun {
  std::string lock;
  CounterNature nature = CounterNature::kCorrect;
  std::vector<CounterThread> threads;  // by position; complete only when all were found
  bool all_threads_found = false;
  bool one_cpu = false;  // no counter thread worked on more than one CPU, and all on the same
  Nanos together{};      // two or more of them were at work at the same time
  Nanos unknown{};       // of the threads' phases: the recording does not say what they did
  std::optional<CodeWindow> window;
  std::int64_t expected = 0;
  std::int64_t observed = 0;
  std::int64_t lost() const { return expected - observed; }
  double lost_share() const;
  bool has_ledger = false;
  std::int64_t ledger_sum = 0;
  std::int64_t stale_stores = 0;
  std::int64_t restarts = 0;
  double cpu_ns_per_op = 0;
  double ns_per_op = 0;
  // One thread alone in the same process: with the tagged increment of --lock none, and with a
  // plain one that keeps no ledger. 0: not measured. The errors: from before to after the run.
  double none_cpu_ns_per_op = 0;
  double none_error = 0;
  double unlocked_cpu_ns_per_op = 0;
  double unlocked_error = 0;
  bool bare = false;  // nothing but the increment: no --window and no --gap

  // From the kernel's events, within the threads' phases.
  std::uint64_t preempted = 0;
  std::uint64_t blocked = 0;
  // Off the CPU after a switch-out within futex: asleep, and on the way back to a run queue. A
  // waker that is faster than the sleeper's way to sleep makes all of it the latter.
  Nanos off_in_futex{};

  bool ledger_exact() const { return has_ledger && ledger_sum == lost(); }
};

// Nothing where the recording lacks what any run has, or it cannot be true.
std::optional<CounterRun> read_counter_run(const Facts& facts);

}  // namespace observe
