// How long a CPU-bound fair thread keeps its CPU when others want it too, from what the machine
// says: its tick, its scheduler and the slice. No figure here is a constant of a machine.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "base/units.h"
#include "trace/run.h"

namespace observe {

struct FairTurn {
  Nanos slice{};  // what the scheduler grants
  Nanos tick{};   // when it looks
  Nanos turn{};   // the slice, rounded up to whole ticks
  // The turn may come out one tick longer or shorter: the slice is so close to a whole number of
  // ticks that rounding may go either way.
  bool ambiguous = false;
  std::string formula;  // "⌈slice / tick⌉ · tick"
};

// `runnable` threads of equal weight share the CPU. `slice`: what the threads have asked for or the
// kernel granted them (sched_getattr), where that is known; else the host's.
//
// EEVDF (from 6.6): a thread has run out its slice when its virtual deadline has passed, which the
// kernel notices at a tick (HRTICK is off by default), so it runs for whole ticks.
// CFS (before 6.6, kernel/sched/fair.c): the slice is a period shared out among the runnable
// threads: sysctl_sched_latency 6 ms, or sysctl_sched_min_granularity 0.75 ms each when there are
// more than 8; both times 1 + log2(CPUs, at most 8). Noticed at a tick too.
//
// Nothing where the tick or the scheduler is not known, or another scheduler is loaded.
std::optional<FairTurn> fair_turn(const HostInfo& host, std::size_t runnable,
                                  std::optional<Nanos> slice = std::nullopt);

// Why fair_turn() gives nothing here.
std::string why_no_fair_turn(const HostInfo& host);

}  // namespace observe
