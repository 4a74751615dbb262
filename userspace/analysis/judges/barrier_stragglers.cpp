// Whether a step took as long as its slowest thread, and the others slept meanwhile.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "analysis/judges/cpu_sharing.h"
#include "analysis/judges/judge.h"
#include "analysis/judges/rounds_run.h"
#include "analysis/wording.h"

namespace observe {
namespace {

// The part of all threads' time in the steps that they were blocked in futex.
std::optional<double> waited_at_barrier(const Facts& facts, const RoundsRun& run) {
  const Nanos steps = length_of(run.shared);
  if (steps <= Nanos{0}) return std::nullopt;
  Nanos blocked{};
  for (const Actor& actor : run.run.actors()) {
    blocked += time_in(facts, actor, run.shared, State::kBlocked, "futex");
  }
  return wording::share(blocked, steps) / static_cast<double>(run.run.actors().size());
}

report::Prediction predict_waiting(const Facts& facts, const RoundsRun& run, const Noise& noise) {
  const auto threads = static_cast<double>(run.run.actors().size());
  Conditions conditions = rounds_conditions(run);
  if (run.cpus < run.run.actors().size()) {
    conditions.lacking.emplace_back("the formula needs a CPU for each thread");
  }
  const double longest = *std::ranges::max_element(run.cpu_shares_ns);
  const Expected expected{.name = "waiting at the barrier",
                          .formula = "Σ(max(w) − w) / (N · max(w))",
                          .predicted = 1 - run.work_ns() / (threads * longest),
                          .measured = waited_at_barrier(facts, run),
                          // Each thread works for w / T of the time, which is off by as much as T.
                          .tolerance = rounds_slack(run, noise)};
  doubt_unknown(conditions, expected, wording::share(run.unknown, length_of(run.shared)),
                run.unknown);
  return judge(expected, noise, conditions);
}

}  // namespace

Judgement judge_barrier_stragglers(const Facts& facts, const Noise& noise) {
  const auto run = read_rounds(facts);
  if (!run) return judgement_without_run(facts, "barrier");
  Judgement judgement;
  judgement.workload.ground_truth = run->run.truth();
  judgement.workload.predictions = predict_rounds(*run, noise, "Σw / max(w)");
  judgement.workload.predictions.push_back(predict_waiting(facts, *run, noise));
  judgement.workload.headline = rounds_headline(*run, judgement.workload.predictions);
  report::Finding finding = rounds_finding(*run, judgement.workload.predictions, "barrier");
  if (const auto& waited = judgement.workload.predictions.back().measured) {
    finding.evidence.push_back(
        fmt::format("At the barrier threads slept (futex) for {} of their time in the steps.",
                    wording::percent(*waited)));
  }
  judgement.findings.push_back(std::move(finding));
  return judgement;
}

}  // namespace observe
