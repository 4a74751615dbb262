// Run-queue latency: how long threads waited for a CPU, from the moment they became runnable to
// their switch-in. A wait in the course of which the thread migrates is one wait.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "analysis/timelines.h"
#include "report/summary.h"

namespace observe {

struct Wait {
  ThreadRef thread = kNoThread;
  Time begin;
  Time end;
  WaitCause cause = WaitCause::kUnknown;
  Cpu cpu{};                // where it ended
  bool clipped = false;     // began before the window, or lasts beyond it, or a loss cut it
  std::uint32_t parts = 1;  // one more than the migrations meanwhile
  Nanos length() const { return end - begin; }
};

// Calls visit(const Wait&) for every wait of a thread, in time order.
template <class Visit>
void for_each_wait(ThreadRef ref, const ThreadTimeline& timeline, Visit&& visit) {
  Wait wait;
  bool open = false;
  for (std::size_t i = 0; i < timeline.intervals.size(); ++i) {
    const Interval& part = timeline.intervals[i];
    if (part.state != State::kWaiting) continue;
    if (!open || !part.continued) {
      wait = {.thread = ref, .begin = part.begin, .cause = part.cause};
      wait.clipped = part.clipped_begin || part.continued;
    } else {
      ++wait.parts;
    }
    wait.end = part.end;
    wait.cpu = part.cpu;
    open = part.continues;
    // Whole only when a switch-in ended it: otherwise the window or a loss did.
    if (part.continues && i + 1 < timeline.intervals.size() &&
        timeline.intervals[i + 1].continued) {
      continue;
    }
    wait.clipped = wait.clipped || part.clipped_end || part.end_switch == kNoEvent;
    open = false;
    visit(static_cast<const Wait&>(wait));
  }
}

struct RunqLatency {
  // Of whole waits only: of a clipped one the true length is not known.
  report::Percentiles all;                                // of the observed threads
  std::array<report::Percentiles, kWaitCauses> by_cause;  // of the observed threads
  std::vector<report::Percentiles> threads;               // by ThreadRef
  std::uint64_t clipped = 0;
  std::optional<Wait> worst;            // of the observed threads' whole waits: all.max
  std::optional<Wait> longest_clipped;  // at least this long
};

RunqLatency runq_latency(const Facts& facts);

std::string_view wait_cause_text(WaitCause cause);  // "woken", "new", "preempted"…

}  // namespace observe
