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

inline std::vector<Overlap> waiting_targets_by_cpu(const Facts& facts) {
  return intervals_by_cpu(facts, State::kWaiting,
                          [](const ThreadInfo& info) { return info.target; });
}

// Calls visit(const CpuSlice&, Time begin, Time end, std::size_t waiting) for every stretch of a
// CPU's slices in which threads waited for it.
template <class Visit>
void for_each_held(const CpuTimeline& cpu, Overlap& waiters, Visit&& visit) {
  std::size_t next = 0;
  waiters.for_each_stretch([&](Time begin, Time end, std::size_t waiting) {
    while (next < cpu.slices.size() && cpu.slices[next].end <= begin) ++next;
    for (std::size_t i = next; i < cpu.slices.size() && cpu.slices[i].begin < end; ++i) {
      const CpuSlice& slice = cpu.slices[i];
      visit(slice, std::max(begin, slice.begin), std::min(end, slice.end), waiting);
    }
  });
}

}  // namespace observe
