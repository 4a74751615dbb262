// A scripted trace with its timelines, told in words so that a test can say what it expects:
//
//   CHECK(story.of(B) == "blocked in futex 0-10, delay 10-12, woken@0 12-40, running@0 40-60");
//
// Times are in microseconds after the window's beginning; @ names the CPU. "[" and "]" mark an
// interval that begins before or ends after the window, "+" a wait that goes on on another CPU.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "analysis/blocking.h"
#include "analysis/latency.h"
#include "analysis/timelines.h"
#include "support/catch.h"
#include "support/script.h"

namespace observe {

class Story {
 public:
  explicit Story(Script& script) : Story(script.build()) {}
  explicit Story(Trace trace) : trace_(std::move(trace)), timelines_(build_timelines(trace_)) {}
  Story(const Story&) = delete;
  Story& operator=(const Story&) = delete;

  Facts facts() const { return {trace_, timelines_}; }
  const Trace& trace() const { return trace_; }
  const TimelineQuality& quality() const { return timelines_.quality; }

  // The newest thread of that tid.
  ThreadRef ref(Tid tid) const {
    for (std::size_t i = trace_.threads().size(); i-- > 0;) {
      const ThreadRef ref{static_cast<std::uint32_t>(i)};
      if (trace_.threads()[ref].tid == tid) return ref;
    }
    return kNoThread;
  }
  const ThreadTimeline& timeline(Tid tid) const {
    const ThreadRef found = ref(tid);
    REQUIRE(found != kNoThread);
    return timelines_.threads[raw(found)];
  }
  std::string of(Tid tid) const { return of(ref(tid)); }
  std::string of(ThreadRef thread) const {
    REQUIRE(thread != kNoThread);
    std::string text;
    for (const Interval& one : timelines_.threads[raw(thread)].intervals) {
      if (!text.empty()) text += ", ";
      text += fmt::format("{} {}{}-{}{}{}", word(one), one.clipped_begin ? "[" : "", us(one.begin),
                          us(one.end), one.clipped_end ? "]" : "", one.continues ? "+" : "");
    }
    return text;
  }
  std::string of(Cpu cpu) const {
    std::string text;
    for (const CpuSlice& one : timelines_.cpus[raw(cpu)].slices) {
      if (!text.empty()) text += ", ";
      const std::string who = !one.known                ? "?"
                              : one.thread == kNoThread ? "idle"
                                                        : letter(one.thread);
      text += fmt::format("{} {}-{}", who, us(one.begin), us(one.end));
    }
    return text;
  }
  const Interval& interval(Tid tid, std::size_t index) const {
    REQUIRE(index < timeline(tid).intervals.size());
    return timeline(tid).intervals[index];
  }

 private:
  std::int64_t us(Time time) const { return (time - trace_.begin()).count() / 1000; }
  std::string letter(ThreadRef ref) const {
    const std::uint32_t tid = raw(trace_.threads()[ref].tid);
    if (tid >= raw(A) && tid <= raw(F)) {
      return std::string(1, static_cast<char>('A' + (tid - raw(A))));
    }
    return std::to_string(tid);
  }
  static std::string word(const Interval& one) {
    switch (one.state) {
      case State::kRunning:
        return fmt::format("running@{}", raw(one.cpu));
      case State::kWaiting:
        return fmt::format("{}@{}", wait_cause_text(one.cause), raw(one.cpu));
      case State::kWakeDelay:
        return "delay";
      case State::kBlocked:
        return "blocked in " + block_reason(one).name;
      case State::kUnknown:
        break;
    }
    return "?";
  }

  Trace trace_;
  Timelines timelines_;
};

}  // namespace observe
