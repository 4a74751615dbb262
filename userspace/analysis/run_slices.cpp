#include "analysis/run_slices.h"

#include "analysis/percentiles.h"

namespace observe {

RunSlices run_slices(const Facts& facts) {
  const Time origin = facts.trace.begin();
  RunSlices result;
  result.threads.resize(facts.timelines.threads.size());
  Lengths all;
  Lengths own;
  facts.for_each_thread([&](ThreadRef ref, const ThreadInfo& info, const ThreadTimeline& timeline) {
    own.clear();
    for (const Interval& interval : timeline.intervals) {
      if (interval.state != State::kRunning || interval.clipped_begin || interval.clipped_end) {
        continue;
      }
      if (interval.begin_switch == kNoEvent || interval.end_switch == kNoEvent) continue;
      own.add(interval.length(), interval.end);
    }
    if (info.target) all.add(own);
    result.threads[raw(ref)] = own.percentiles(origin);
  });
  result.all = all.percentiles(origin);
  return result;
}

}  // namespace observe
