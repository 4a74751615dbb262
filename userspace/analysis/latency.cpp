#include "analysis/latency.h"

#include "analysis/percentiles.h"

namespace observe {

RunqLatency runq_latency(const Facts& facts) {
  const Time origin = facts.trace.begin();
  RunqLatency result;
  result.threads.resize(facts.timelines.threads.size());
  Lengths all;
  std::array<Lengths, kWaitCauses> by_cause;
  Lengths own;
  facts.for_each_thread([&](ThreadRef ref, const ThreadInfo& info, const ThreadTimeline& timeline) {
    own.clear();
    for_each_wait(ref, timeline, [&](const Wait& wait) {
      if (wait.clipped) {
        if (!info.target) return;
        ++result.clipped;
        if (!result.longest_clipped || wait.length() > result.longest_clipped->length()) {
          result.longest_clipped = wait;
        }
        return;
      }
      own.add(wait.length(), wait.end);
      if (!info.target) return;
      by_cause[raw(wait.cause)].add(wait.length(), wait.end);
      const bool worse = !result.worst || wait.length() > result.worst->length() ||
                         (wait.length() == result.worst->length() && wait.end < result.worst->end);
      if (worse) result.worst = wait;
    });
    result.threads[raw(ref)] = own.percentiles(origin);
  });
  for (const Lengths& of_cause : by_cause) all.add(of_cause);
  result.all = all.percentiles(origin);
  for (std::size_t i = 0; i < kWaitCauses; ++i) {
    result.by_cause[i] = by_cause[i].percentiles(origin);
  }
  return result;
}

std::string_view wait_cause_text(WaitCause cause) {
  switch (cause) {
    case WaitCause::kWoken:
      return "woken";
    case WaitCause::kNew:
      return "new";
    case WaitCause::kPreempted:
      return "preempted";
    case WaitCause::kYielded:
      return "yielded";
    case WaitCause::kUnknown:
      break;
  }
  return "unknown";
}

}  // namespace observe
