// How soon a sleeper gets the CPU when it wakes beside threads that compute.
#include <fmt/format.h>

#include "analysis/judges/judge.h"
#include "analysis/judges/prediction.h"
#include "analysis/judges/together.h"
#include "analysis/wording.h"

namespace observe {
namespace {

constexpr std::uint64_t kEnoughWakeups = 100;

struct SleeperRun {
  std::vector<double> waits;  // ms, from the wake-up to the CPU
  std::size_t hogs = 0;
  std::optional<FairTurn> turn;  // of a hog
  std::optional<Nanos> slice;    // of the sleeper, where the kernel tells
  std::optional<Nanos> hog_slice;
  bool asked = false;
  Nanos ran{};  // the sleeper
  Nanos time{};
};

std::optional<SleeperRun> read_run(const Facts& facts) {
  const auto run = WorkloadRun::read(facts);
  if (!run) return std::nullopt;
  const auto sleepers = run->actors("sleeper");
  std::vector<const Actor*> actors = run->actors("hog");
  if (sleepers.size() != 1 || actors.empty()) return std::nullopt;
  SleeperRun result;
  result.hogs = actors.size();
  result.turn = turn_of(facts, actors.size() + 1, *actors.front());
  result.slice = granted_slice(*sleepers.front());
  result.hog_slice = granted_slice(*actors.front());
  result.asked = run->number("asked_slice_ns").value_or(0) > 0;
  actors.insert(actors.begin(), sleepers.front());
  const Together all = together(facts, actors);
  for (const Wait& wait : all.conducts.front().waits) {
    if (wait.cause == WaitCause::kWoken) result.waits.push_back(milliseconds(wait.length()));
  }
  result.ran = all.ran(0);
  result.time = all.length();
  return result;
}

std::vector<report::Prediction> predict(const Facts& facts, const SleeperRun& run,
                                        const Noise& noise) {
  Conditions conditions{.samples = run.waits.size(), .enough = kEnoughWakeups};
  Expected median{
      .name = "median", .formula = "tick / 2", .unit = "µs", .relation = report::Relation::kAtMost};
  Expected most{.name = "nine of ten",
                .formula = "hogs · turn",
                .unit = "µs",
                .relation = report::Relation::kAtMost};
  if (!run.waits.empty()) {
    median.measured = 1e3 * quantile(run.waits, 0.5);
    most.measured = 1e3 * quantile(run.waits, 0.9);
  }
  if (!run.turn) {
    conditions.lacking.push_back(why_no_fair_turn(facts.trace.host()));
  } else {
    median.predicted = 1e3 * milliseconds(run.turn->tick) / 2;
    most.predicted = 1e3 * static_cast<double>(run.hogs) * milliseconds(run.turn->turn);
    if (run.turn->ambiguous) {
      most.tolerance = 1e3 * static_cast<double>(run.hogs) * milliseconds(run.turn->tick);
    }
  }
  // Only who wants less than its share is owed time.
  const double fair = 1 / (static_cast<double>(run.hogs) + 1);
  if (wording::share(run.ran, run.time) >= fair) {
    conditions.doubts.emplace_back("the sleeper had its whole share, so that it was owed nothing");
  }
  Expected brief = median;
  std::vector<report::Prediction> predictions;
  predictions.push_back(judge(std::move(median), noise, conditions));
  predictions.push_back(judge(std::move(most), noise, conditions));
  if (!run.asked) return predictions;
  brief.name = "short slice";
  if (!run.waits.empty()) brief.measured = 1e3 * quantile(run.waits, 0.9);
  if (!run.slice || !run.hog_slice) {
    conditions.lacking.emplace_back("the kernel grants no slices of one's own (6.12 and later do)");
  } else if (*run.slice >= *run.hog_slice) {
    conditions.lacking.emplace_back("the sleeper's slice is not shorter than the hogs'");
  }
  predictions.push_back(judge(std::move(brief), noise, conditions));
  return predictions;
}

}  // namespace

Judgement judge_sleeper(const Facts& facts, const Noise& noise) {
  const auto run = read_run(facts);
  if (!run) return judgement_without_run(facts, "sleeper");
  Judgement judgement;
  judgement.workload.ground_truth = facts.trace.workload()->truth;
  judgement.workload.predictions = predict(facts, *run, noise);
  const auto text = [&](double share) {
    return wording::duration(from_milliseconds(quantile(run->waits, share)));
  };
  report::Finding finding{.id = "sleeper", .verdict = verdict_over(judgement.workload.predictions)};
  finding.claim = fmt::format(
      "A sleeper beside {} had the CPU within {} of its wake-up in half of all cases, within {} in "
      "nine of ten.",
      wording::count(run->hogs, "hog"), text(0.5), text(0.9));
  finding.claim += not_shown(judgement.workload.predictions);
  finding.evidence.push_back(fmt::format("{}; p99 {}, the longest {}. It used {} of the CPU.",
                                         wording::count(run->waits.size(), "wake-up"), text(0.99),
                                         text(1),
                                         wording::percent(wording::share(run->ran, run->time))));
  judgement.workload.headline = {
      fmt::format("wake-up to CPU: p50 {}, p90 {}, p99 {}", text(0.5), text(0.9), text(0.99))};
  judgement.findings.push_back(std::move(finding));
  return judgement;
}

}  // namespace observe
