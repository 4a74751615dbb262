#include "analysis/run_slices.h"

#include "analysis/percentiles.h"

namespace observe {

RunSlices run_slices(const Facts& facts) {
  const Time origin = facts.trace.begin();
  RunSlices result;
  result.threads.resize(facts.timelines.threads.size());
  std::vector<Sample> all;
  std::vector<Sample> own;
  facts.for_each_thread([&](ThreadRef ref, const ThreadInfo& info, const ThreadTimeline& timeline) {
    own.clear();
    for (const Interval& interval : timeline.intervals) {
      if (interval.state != State::kRunning || interval.clipped_begin || interval.clipped_end) {
        continue;
      }
      if (interval.begin_switch == kNoEvent || interval.end_switch == kNoEvent) continue;
      own.push_back({interval.length(), interval.end});
    }
    if (info.target) all.insert(all.end(), own.begin(), own.end());
    result.threads[raw(ref)] = percentiles(own, origin);
  });
  result.all = percentiles(all, origin);
  return result;
}

}  // namespace observe
