// Who waits for, or runs on, which CPU at each moment: common to run-queue depth, holders, noise
// and self-checks.
#pragma once

#include <algorithm>
#include <vector>

#include "analysis/overlap.h"
#include "analysis/timelines.h"

namespace observe {

// The intervals of one state of the threads chosen by want(const ThreadInfo&), by their CPU.
template <class Want>
std::vector<Overlap> intervals_by_cpu(const Facts& facts, State state, Want&& want) {
  std::vector<Overlap> by_cpu(facts.timelines.cpus.size());
  facts.for_each_thread([&](ThreadRef, const ThreadInfo& info, const ThreadTimeline& timeline) {
    if (!want(info)) return;
    for (const Interval& interval : timeline.intervals) {
      // A CPU on which nothing ever ran has no timeline; only a damaged recording names one.
      if (interval.state != state || raw(interval.cpu) >= by_cpu.size()) continue;
      by_cpu[raw(interval.cpu)].add(interval.begin, interval.end);
    }
  });
  return by_cpu;
}

// A stretch of time in which the same number of observed threads waited for a CPU.
struct WaitStretch {
  Time begin;
  Time end;
  std::size_t waiting = 0;
};
using WaitStretches = std::vector<std::vector<WaitStretch>>;  // by CPU, each in time order

WaitStretches waiting_targets(const Facts& facts);

// Calls visit(const CpuSlice&, Time begin, Time end, std::size_t waiting) for every stretch of a
// CPU's slices in which threads waited for it.
template <class Visit>
void for_each_held(const Facts& facts, const WaitStretches& waits, Visit&& visit) {
  for (std::size_t cpu = 0; cpu < waits.size(); ++cpu) {
    const std::vector<CpuSlice>& slices = facts.timelines.cpus[cpu].slices;
    auto first = slices.begin();
    for (const WaitStretch& wait : waits[cpu]) {
      while (first != slices.end() && first->end <= wait.begin) ++first;
      for (auto slice = first; slice != slices.end() && slice->begin < wait.end; ++slice) {
        visit(*slice, std::max(wait.begin, slice->begin), std::min(wait.end, slice->end),
              wait.waiting);
      }
    }
  }
}

}  // namespace observe
