// Everything the analyses found, computed once: what findings and the summary are made from.
#pragma once

#include <vector>

#include "analysis/blocking.h"
#include "analysis/cpu_use.h"
#include "analysis/holders.h"
#include "analysis/latency.h"
#include "analysis/noise.h"
#include "analysis/parallelism.h"
#include "analysis/placement.h"
#include "analysis/queue_depth.h"
#include "analysis/run_slices.h"
#include "analysis/thread_account.h"

namespace observe {

// Columns of a CPU's utilisation over time: enough for a line of the terminal.
inline constexpr std::size_t kUtilisationParts = 60;

struct Results {
  ThreadAccounts accounts;
  RunqLatency latency;
  RunSlices slices;
  std::vector<std::vector<Blocking>> blocking;  // by ThreadRef
  std::vector<Blocking> target_blocking;        // of all observed threads
  std::vector<Placement> placement;             // by ThreadRef
  Placement target_placement;                   // migrations of all observed threads
  Parallelism parallelism;
  std::vector<QueueDepth> queues;  // by CPU number
  std::vector<CpuUse> cpus;
  std::vector<Holding> holders;
  Noise noise;
  std::array<std::uint64_t, kSwitchCauses> switches{};  // of the observed threads
  std::uint64_t wakeups = 0;                            // of the observed threads

  std::uint64_t switches_by(SwitchCause cause) const { return switches[raw(cause)]; }
  std::uint64_t switch_count() const;
};

Results analyse(const Facts& facts);

}  // namespace observe
