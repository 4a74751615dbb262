// Whether threads waited for each other in a circle, as their markers and the kernel's events say.
#include <fmt/format.h>

#include <algorithm>

#include "analysis/blocking.h"
#include "analysis/judges/judge.h"
#include "analysis/judges/lock_circles.h"
#include "analysis/judges/prediction.h"
#include "analysis/overlap.h"
#include "analysis/wording.h"

namespace observe {
namespace {

using report::Finding;
using report::Prediction;

struct Sleep {
  Nanos together{};  // all members blocked in futex at once
  Nanos before{};    // from the circle's beginning until they were
  std::uint64_t woken_by_threads = 0;
};

Sleep sleep_in(const Facts& facts, const WaitCircle& circle) {
  Sleep sleep;
  Overlap overlap;
  for (const WaitCircle::Member& member : circle.members) {
    for (const Interval& interval : facts.timeline(member.thread).intervals) {
      if (interval.state != State::kBlocked) continue;
      if (block_reason(interval).block_class != BlockClass::kFutex) continue;
      overlap.add(std::max(interval.begin, circle.begin), std::min(interval.end, circle.end));
    }
  }
  Time from = circle.end;
  Time to = circle.begin;
  overlap.for_each_stretch([&](Time begin, Time end, std::size_t depth) {
    if (depth < circle.members.size()) return;
    sleep.together += end - begin;
    from = std::min(from, begin);
    to = std::max(to, end);
  });
  sleep.before = std::max(Nanos{0}, from - circle.begin);
  for (const Waking& waking : facts.trace.all<Waking>()) {
    if (waking.at < from || waking.at > to || waking.context != WakeContext::kThread) continue;
    if (circle_has(circle, waking.thread)) ++sleep.woken_by_threads;
  }
  return sleep;
}

struct Case {
  const Facts& facts;
  const WorkloadRun& run;
  const Noise& noise;
  const LockUses& uses;

  bool circular() const { return run.fact<std::string>("order") == "circular"; }
  const WaitCircle* circle() const { return uses.circles.empty() ? nullptr : &uses.circles[0]; }
};

Prediction predict_circle(const Case& c) {
  Expected expected{.name = "threads in the circle",
                    .formula = c.circular() ? "N: each holds what its neighbour wants"
                                            : "none: all take the locks in the same order",
                    .unit = "threads",
                    .predicted = c.circular() ? static_cast<double>(c.run.actors().size()) : 0.0,
                    .measured = c.circle() ? static_cast<double>(c.circle()->members.size()) : 0.0};
  return judge(std::move(expected), c.noise, marker_conditions(c.facts));
}

Prediction predict_found(const Case& c) {
  const auto found = c.run.number("deadlocks");
  Expected expected{.name = "the circle that was found",
                    .formula = "as long as the one that the markers show",
                    .unit = "threads",
                    .predicted = c.circle() ? static_cast<double>(c.circle()->members.size()) : 0.0,
                    .measured = found == 0.0 ? found : c.run.number("cycle_length")};
  return judge(std::move(expected), c.noise, marker_conditions(c.facts));
}

Prediction predict_unwoken(const Case& c, const Sleep& sleep) {
  Expected expected{.name = "woken by others",
                    .formula = "0: who could wake them waits as well",
                    .unit = "wake-ups",
                    .predicted = 0,
                    .measured = static_cast<double>(sleep.woken_by_threads)};
  Conditions conditions = marker_conditions(c.facts);
  conditions.lossless = true;
  return judge(std::move(expected), c.noise, conditions);
}

// The first thread's timer may be late by its granularity, a tick where there are no finer timers.
// Other threads matter only if they keep the last one from falling asleep.
Prediction predict_asleep(const Case& c, const Sleep& sleep) {
  Expected expected{.name = "all asleep",
                    .formula = "patience − (last wanting − first thread's wanting)",
                    .unit = "ms",
                    .measured = static_cast<double>(to_ns(sleep.together)) / 1e6,
                    .note = {}};
  constexpr int kLowestHz = 100;  // CONFIG_HZ_100, the longest tick that Linux has
  const int hz = c.facts.trace.host().hz > 0 ? c.facts.trace.host().hz : kLowestHz;
  expected.tolerance = 1e3 / hz;
  const auto patience = c.run.number("patience_ms");
  const auto first = wanting_before(c.facts, c.run.actors().front(), c.circle()->begin);
  if (patience && first) {
    expected.predicted = *patience - static_cast<double>(to_ns(c.circle()->begin - *first)) / 1e6;
  } else {
    expected.note = "it is not known when the first thread wanted its second lock";
  }
  Conditions conditions = marker_conditions(c.facts);
  conditions.lossless = true;
  if (static_cast<double>(to_ns(sleep.before)) / 1e6 > expected.tolerance) {
    conditions.doubts.push_back(
        fmt::format("the last one took {} to fall asleep", wording::duration(sleep.before)));
  }
  return judge(std::move(expected), c.noise, conditions);
}

Finding verdict_on(const Case& c, const std::vector<Prediction>& predictions,
                   const std::optional<Sleep>& sleep) {
  Finding finding{.id = "deadlock", .verdict = verdict_over(predictions)};
  const auto own = c.run.fact<std::string>("cycle");
  if (const WaitCircle* circle = c.circle()) {
    finding.claim = fmt::format(
        "A deadlock of {}, for {}: {}.", wording::count(circle->members.size(), "thread"),
        wording::duration(circle->end - circle->begin), circle_text(c.facts, *circle));
    finding.at = circle->begin - c.facts.trace.begin();
  } else {
    finding.claim = fmt::format(
        "No deadlock: nobody waited in a circle, in {}.",
        wording::count(static_cast<std::uint64_t>(std::max(0.0, c.run.number("ops").value_or(0))),
                       "operation"));
  }
  if (sleep) {
    finding.evidence.push_back(
        fmt::format("All of them slept in futex at once for {}; {} woke one of them meanwhile.",
                    wording::duration(sleep->together),
                    sleep->woken_by_threads == 0 ? "no thread" : "threads"));
  }
  if (own) finding.evidence.push_back(fmt::format("The workload's own table says: {}.", *own));
  return finding;
}

}  // namespace

Judgement judge_deadlock(const Facts& facts, const Noise& noise) {
  const auto run = WorkloadRun::read(facts);
  if (!run) return judgement_without_run(facts, "deadlock");
  const LockUses uses = lock_use(facts);
  const Case c{.facts = facts, .run = *run, .noise = noise, .uses = uses};
  std::optional<Sleep> sleep;
  if (c.circle()) sleep = sleep_in(facts, *c.circle());

  Judgement judgement;
  judgement.workload.ground_truth = run->truth();
  auto& predictions = judgement.workload.predictions;
  predictions.push_back(predict_circle(c));
  predictions.push_back(predict_found(c));
  if (sleep) {
    predictions.push_back(predict_unwoken(c, *sleep));
    predictions.push_back(predict_asleep(c, *sleep));
  }
  judgement.workload.headline.push_back(
      c.circle() ? fmt::format("{} in a circle for {}",
                               wording::count(c.circle()->members.size(), "thread"),
                               wording::duration(c.circle()->end - c.circle()->begin))
                 : std::string("nobody waited in a circle"));
  judgement.findings.push_back(verdict_on(c, predictions, sleep));
  return judgement;
}

}  // namespace observe
