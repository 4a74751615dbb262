#include "analysis/quality_notes.h"

#include <fmt/format.h>

#include "analysis/wording.h"

namespace observe {
namespace {

// Without seed and fork, and at work within the window: of others nothing is said that could be
// incomplete.
std::uint64_t threads_met_late(const Facts& facts) {
  std::uint64_t late = 0;
  facts.for_each_thread([&](ThreadRef, const ThreadInfo& info, const ThreadTimeline& timeline) {
    if (!info.first && !info.born && !timeline.intervals.empty()) ++late;
  });
  return late;
}

}  // namespace

std::vector<std::string> quality_notes(const Facts& facts) {
  const Quality& trace = facts.trace.quality();
  const TimelineQuality& lines = facts.timelines.quality;
  const CaptureInfo& capture = facts.trace.capture();
  std::vector<std::string> notes;
  const auto note = [&notes](std::uint64_t n, std::string_view thing, std::string_view what) {
    if (n > 0) notes.push_back(fmt::format("{} {}", wording::count(n, thing), what));
  };
  if (trace.incomplete) {
    notes.emplace_back(
        facts.trace.end() > facts.trace.begin()
            ? "the recording has no closing part: the observer was ended, or could not write, "
              "before it had finished, and what came later is missing"
            : "the recording has no closing part, and no moment up to which the events of all "
              "CPUs had been written: nothing can be told");
  }
  note(trace.damaged_blocks, "block", "of the recording damaged and left out");
  note(trace.lost_events, "event",
       "lost: states that they would have changed are unknown from then on, until the next event "
       "of the thread");
  note(trace.missed_probe_runs, "probe run",
       "skipped by the kernel, at moments that are not known");
  note(trace.markers_lost, "workload marker", "lost");
  note(trace.clock_backwards, "event",
       "older than the one before it on the same CPU: given its time");
  note(trace.events_after_death + lines.events_of_the_dead, "event",
       "of threads that had ended: ignored");
  note(lines.switch_mismatches, "switch-out", "contradicted who ran: that is unknown");
  note(lines.runs_without_wakeup, "run",
       "without a wake-up: the thread had stayed runnable, or its wake-up was lost");
  note(
      lines.wakings_without_wakeup, "wake-up",
      "never reached a run queue in the trace: wake delay until the thread ran or was woken again");
  note(lines.wakeups_without_waking, "wake-up",
       "without its waker's side: no wake delay, no waker");
  note(threads_met_late(facts), "thread",
       "that the kernel's task list did not show: known from the first event on");
  if (!capture.recorder_note.empty()) notes.push_back(capture.recorder_note);
  notes.insert(notes.end(), capture.notes.begin(), capture.notes.end());
  return notes;
}

}  // namespace observe
