// Runs of workloads in which one thread serves what comes by the clock, as scripts: what the thread
// counts follows from the story itself.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "analysis/judges/judge.h"
#include "analysis/judges/prediction.h"
#include "story.h"

namespace observe {

struct Customer {
  Nanos arrival{};
  Nanos service{};
  Nanos held_up{};  // by another thread, in the midst of the service
};

// The server A sleeps until somebody comes, on CPU 0. E is not part of the workload.
class ServerStory {
 public:
  Nanos timer_late{0};  // the timer fires that much after an arrival
  Nanos queued{10us};   // a woken server waits that long for its CPU

  // Whether E belongs to the workload's process; else what it takes is noise.
  explicit ServerStory(bool one_of_us = true) {
    script_.run({.kind = RunKind::kWorkload, .name = "server", .root_process = Pid{raw(A)}});
    script_.process(E, one_of_us ? A : E);
    script_.name(E, "stress-ng").has(E, sleeping(kRead));
    script_.has(A, sleeping(kNanosleep));
  }

  Nanos now() const { return free_; }
  Script& script() { return script_; }
  void phase(std::uint64_t number) { script_.at(free_).marks(0, 2, number); }

  // Serves these in turn, from when the first of them should be begun. Returns when each was done.
  std::vector<Nanos> serve(Nanos due, const std::vector<Customer>& customers) {
    if (due > free_) wake(due);
    std::vector<Nanos> ends;
    for (const Customer& one : customers) {
      const auto stamp = static_cast<std::uint64_t>(to_ns(one.arrival));
      script_.at(free_).marks(0, 3, number_, stamp);
      if (one.held_up > Nanos{0}) {
        script_.at(free_ + one.service / 2).wakes(E, on(cpu0)).switches(cpu0, A, E);
        free_ += one.held_up;
        script_.at(free_ + one.service / 2).switches(cpu0, E, A, blocks(kRead));
      }
      free_ += one.service;
      script_.at(free_).marks(0, 4, number_++, stamp);
      ends.push_back(free_);
    }
    return ends;
  }
  void turn_away(Nanos arrival) {
    script_.at(free_).marks(0, 3, number_, 0);
    script_.at(free_).marks(0, 4, number_++, static_cast<std::uint64_t>(to_ns(arrival)));
  }

  Judgement judged(JudgeFunction judge, const std::string& role,
                   std::map<std::string, Fact> truth) {
    if (awake_) script_.at(free_).switches(cpu0, A, idle, blocks(kNanosleep));
    const Nanos end = free_ + 1us;
    script_.at(end).workload(
        {.name = "server",
         .phase_begin = Time{},
         .phase_end = Time{end},
         .truth = std::move(truth),
         .threads = {{.tid = A, .role = role, .begin = Time{}, .end = Time{end}, .truth = {}}}});
    const Story story(script_);
    return judge(story.facts(), measure_noise(story.facts()));
  }

 private:
  void wake(Nanos due) {
    if (awake_) script_.at(free_).switches(cpu0, A, idle, blocks(kNanosleep));
    script_.at(due + timer_late).wakes(A, on(cpu0));
    free_ = due + timer_late + queued;
    script_.at(free_).switches(cpu0, idle, A);
    awake_ = true;
  }

  Script script_;
  Nanos free_{};
  bool awake_ = false;
  std::uint64_t number_ = 0;
};

inline const report::Prediction& prediction_named(const Judgement& judgement,
                                                  std::string_view name) {
  const auto* found = find_prediction(judgement.workload.predictions, name);
  if (found == nullptr) FAIL("no prediction " << name);
  return *found;
}

}  // namespace observe
