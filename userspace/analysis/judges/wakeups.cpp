#include "analysis/judges/wakeups.h"

#include <algorithm>
#include <optional>

namespace observe {

std::vector<Nanos> wake_latencies(const ThreadTimeline& timeline, Time begin, Time end) {
  std::vector<Nanos> latencies;
  std::optional<Time> woken;
  auto interval = std::ranges::upper_bound(timeline.intervals, begin, {}, &Interval::end);
  for (; interval != timeline.intervals.end() && interval->begin < end; ++interval) {
    switch (interval->state) {
      case State::kBlocked:
        woken = interval->clipped_end || interval->end > end ? std::nullopt
                                                             : std::optional(interval->end);
        break;
      case State::kRunning:
        if (woken) latencies.push_back(interval->begin - *woken);
        woken.reset();
        break;
      case State::kUnknown:
        woken.reset();
        break;
      case State::kWaiting:
      case State::kWakeDelay:
        break;
    }
  }
  return latencies;
}

std::uint64_t times_slept(const Facts& facts, ThreadRef thread, Time begin, Time end) {
  const SleepingLocks locks = sleeping_locks(facts.trace.host());
  return static_cast<std::uint64_t>(
      std::ranges::count_if(facts.trace.all<Switch>(), [&](const Switch& event) {
        return event.prev_thread == thread && event.at >= begin && event.at <= end &&
               cause_of(event, locks) == SwitchCause::kBlocked;
      }));
}

std::uint64_t times_woken(const ThreadTimeline& timeline, Time begin, Time end) {
  return static_cast<std::uint64_t>(
      std::ranges::count_if(timeline.intervals, [&](const Interval& interval) {
        return interval.state == State::kBlocked && !interval.clipped_end && interval.end > begin &&
               interval.end < end;
      }));
}

std::uint64_t times_unknown(const ThreadTimeline& timeline, Time begin, Time end) {
  return static_cast<std::uint64_t>(
      std::ranges::count_if(timeline.intervals, [&](const Interval& interval) {
        return interval.state == State::kUnknown && interval.begin < end && interval.end > begin;
      }));
}

}  // namespace observe
