// Whether threads that yield wait for each other's turns, and whether each switch is a yield.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "analysis/judges/judge.h"
#include "analysis/judges/prediction.h"
#include "analysis/judges/together.h"
#include "analysis/judges/workload_run.h"
#include "analysis/wording.h"

namespace observe {
namespace {

using wording::count;
using wording::duration;
using wording::number;

constexpr std::uint64_t kEnough = 100;

struct YieldRun {
  WorkloadRun run;
  double threads = 0;
  double unit_us = 0;
  double yield_us = 0;
  double calls = 0;
  std::vector<double> turns;   // µs, of those that a yield ended
  std::vector<double> waits;   // µs, of those that a yield began
  std::uint64_t direct = 0;    // switches from one to another
  std::uint64_t in_order = 0;  // of these, to the one that had waited for longest
};

// Who came after whom: every slice of every thread, in the order of time.
void read_rotation(YieldRun& run) {
  struct Slice {
    RunSlice slice;
    std::size_t thread = 0;
  };
  std::vector<Slice> slices;
  for (std::size_t i = 0; i < run.run.actors().size(); ++i) {
    for (const RunSlice& slice : run.run.actors()[i].conduct.slices) slices.push_back({slice, i});
  }
  std::ranges::sort(slices, {}, [](const Slice& one) { return one.slice.begin; });
  std::vector<std::optional<Time>> left(run.run.actors().size());
  std::size_t seen = 0;
  for (std::size_t i = 0; i < slices.size(); ++i) {
    const auto& [slice, thread] = slices[i];
    const bool direct = i > 0 && slices[i - 1].slice.end == slice.begin &&
                        slices[i - 1].slice.ended_by == SwitchCause::kYielded &&
                        slices[i - 1].thread != thread;
    if (direct && seen == left.size()) {
      ++run.direct;
      if (std::ranges::min(left) == left[thread]) ++run.in_order;
    }
    if (!left[thread]) ++seen;
    left[thread] = slice.end;
  }
}

std::optional<YieldRun> read_run(const Facts& facts) {
  auto read = WorkloadRun::read(facts);
  if (!read || read->actors().size() < 2) return std::nullopt;
  const auto unit = read->number("unit_ns");
  const auto cost = read->number("yield_ns");
  const auto calls = read->number("yields");
  if (!unit || !cost || !calls || !(*unit > 0) || !(*cost >= 0) || !(*calls >= 0)) {
    return std::nullopt;
  }
  YieldRun run{
      .run = *std::move(read), .unit_us = *unit / 1e3, .yield_us = *cost / 1e3, .calls = *calls};
  run.threads = static_cast<double>(run.run.actors().size());
  for (const Actor& actor : run.run.actors()) {
    for (const RunSlice& slice : actor.conduct.slices) {
      if (slice.ended_by != SwitchCause::kYielded) continue;
      run.turns.push_back(static_cast<double>(to_ns(slice.length())) / 1e3);
    }
    for (const Wait& wait : actor.conduct.waits) {
      if (wait.cause != WaitCause::kYielded) continue;
      run.waits.push_back(static_cast<double>(to_ns(wait.length())) / 1e3);
    }
  }
  read_rotation(run);
  return run;
}

Conditions conditions_of(std::uint64_t samples) { return {.samples = samples, .enough = kEnough}; }

// The smallest and the largest share of the CPU that one of them had, in per cent.
std::pair<double, double> range_of_shares(const Facts& facts, const YieldRun& run) {
  std::vector<const Actor*> actors;
  for (const Actor& actor : run.run.actors()) actors.push_back(&actor);
  const Together all = together(facts, actors);
  std::vector<double> shares;
  for (std::size_t i = 0; i < actors.size(); ++i) {
    shares.push_back(100 * wording::share(all.ran(i), all.ran()));
  }
  const auto [least, most] = std::ranges::minmax(shares);
  return {least, most};
}

std::vector<report::Prediction> predict(const YieldRun& run, const Noise& noise) {
  std::vector<report::Prediction> predictions;
  predictions.push_back(judge({.name = "turn",
                               .formula = "u + c",
                               .unit = "µs",
                               .predicted = run.unit_us + run.yield_us,
                               .measured = quantile(run.turns, 0.5),
                               .tolerance = noise_limits::kCalibrationError * run.unit_us},
                              noise, conditions_of(run.turns.size())));
  const double wait = (run.threads - 1) * mean(run.turns);
  // What threads from outside may take before the run counts as disturbed, all wait for.
  predictions.push_back(
      judge({.name = "mean wait",
             .formula = "(N − 1) · turn",
             .unit = "µs",
             .predicted = wait,
             .measured = mean(run.waits),
             .tolerance = noise_limits::kForeignShare * run.threads * mean(run.turns)},
            noise, conditions_of(run.waits.size())));
  // At both ends of the run a call may find nobody else ready.
  predictions.push_back(
      judge({.name = "yields",
             .formula = "every call of sched_yield switches",
             .unit = "switches",
             .predicted = run.calls,
             .measured = static_cast<double>(run.run.switches_by(SwitchCause::kYielded)),
             .tolerance = 2 * run.threads},
            noise, {.quiet = false}));
  return predictions;
}

std::string microseconds(double value) {
  return duration(Nanos{static_cast<std::int64_t>(value * 1e3)});
}

report::Finding finding_of(const Facts& facts, const YieldRun& run,
                           const std::vector<report::Prediction>& predictions) {
  const std::uint64_t yields = run.run.switches_by(SwitchCause::kYielded);
  const std::uint64_t preemptions = run.run.switches_by(SwitchCause::kPreempted);
  report::Finding finding{.id = "yielders", .verdict = verdict_over(predictions)};
  finding.claim = fmt::format(
      "{} that yield take turns on one CPU: each computed for {} at a time, and waited for {} in "
      "the "
      "mean.",
      count(run.run.actors().size(), "thread"), microseconds(quantile(run.turns, 0.5)),
      microseconds(mean(run.waits)));
  finding.claim += not_shown(predictions);
  const auto [least, most] = range_of_shares(facts, run);
  finding.evidence.push_back(fmt::format(
      "Measured, not promised: {} of {} switches were to the thread that had waited for longest; "
      "one "
      "had {:.1f} % of the CPU, another {:.1f} %; the longest wait was {}.",
      number(run.in_order), number(run.direct), least, most, microseconds(quantile(run.waits, 1))));
  finding.evidence.push_back(fmt::format("{} by sched_yield, {} by preemption, {} by blocking.",
                                         count(yields, "switch-out"), number(preemptions),
                                         number(run.run.switches_by(SwitchCause::kBlocked))));
  const auto involuntary = run.run.number("nivcsw");
  if (involuntary && *involuntary >= 0 && *involuntary < 1e15) {
    finding.evidence.push_back(
        fmt::format("getrusage calls {} of them involuntary: for it a thread that yields remains "
                    "runnable, as one that is preempted does.",
                    number(static_cast<std::uint64_t>(*involuntary))));
  }
  return finding;
}

}  // namespace

Judgement judge_yielders(const Facts& facts, const Noise& noise) {
  const auto run = read_run(facts);
  if (!run) return judgement_without_run(facts, "yielders");
  Judgement judgement;
  judgement.workload.ground_truth = facts.trace.workload()->truth;
  judgement.workload.predictions = predict(*run, noise);
  judgement.workload.headline = {
      fmt::format("{} calls of sched_yield, {} switches by them",
                  number(static_cast<std::uint64_t>(std::min(run->calls, 1e15))),
                  number(run->run.switches_by(SwitchCause::kYielded))),
      fmt::format("a turn takes {:.1f} µs; {:.1f} % of the switches were in strict order",
                  quantile(run->turns, 0.5),
                  run->direct > 0 ? 100.0 * static_cast<double>(run->in_order) /
                                        static_cast<double>(run->direct)
                                  : 0.0)};
  judgement.findings.push_back(finding_of(facts, *run, judgement.workload.predictions));
  return judgement;
}

}  // namespace observe
