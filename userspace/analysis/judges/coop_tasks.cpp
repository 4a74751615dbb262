// Whether cooperative tasks waited for each other as long as their manners say, and whether the
// kernel took part in it.
#include <fmt/format.h>

#include "analysis/judges/coop_run.h"
#include "analysis/judges/judge.h"
#include "analysis/judges/prediction.h"
#include "analysis/wording.h"

namespace observe {
namespace {

using wording::count;
using wording::duration;
using wording::number;

constexpr std::uint64_t kEnoughWaits = 20;

report::Prediction predict_wait(const CoopRun& run, const Noise& noise) {
  const double rounds = run.tasks - 1;
  const double predicted = rounds * (run.unit_ns + run.switch_ns) / 1e3;
  return judge({.name = "wait",
                .formula = "(n − 1) · (u + c)",
                .unit = "µs",
                .predicted = predicted,
                .measured = median_wait_ns(run.lane) / 1e3,
                .tolerance = noise_limits::kCalibrationError * predicted},
               noise, {.samples = run.lane.waits.size(), .enough = kEnoughWaits});
}

report::Finding verdict_of(const Facts& facts, const CoopRun& run,
                           const std::vector<report::Prediction>& predictions) {
  report::Finding finding{.id = "coop-tasks", .verdict = verdict_over(predictions)};
  finding.claim = fmt::format(
      "{} on one thread: each waited {} for its turn and {} was predicted; of {} task switches the "
      "kernel saw none.",
      count(static_cast<std::uint64_t>(run.tasks), "task"),
      duration(Nanos{static_cast<std::int64_t>(median_wait_ns(run.lane))}),
      duration(Nanos{static_cast<std::int64_t>(*predictions.front().predicted * 1e3)}),
      number(run.lane.switches));
  if (finding.verdict != report::FindingVerdict::kShown) {
    for (const report::Prediction& prediction : predictions) {
      if (prediction.verdict == report::PredictionVerdict::kShown) continue;
      finding.claim = fmt::format(
          "{} on one thread made {} switches; the prediction '{}' is not shown{}{}.",
          count(static_cast<std::uint64_t>(run.tasks), "task"), number(run.lane.switches),
          prediction.name, prediction.reason.empty() ? "" : ": ", prediction.reason);
      break;
    }
  }
  const Conduct conduct = conduct_while_carrying(facts, run);
  finding.evidence.push_back(
      fmt::format("The kernel switched the thread out {} meanwhile: {} by preemption, for threads "
                  "from outside, "
                  "and {} because it blocked or yielded.",
                  count(run.lane.kernel_switches, "time"),
                  number(conduct.switches_by(SwitchCause::kPreempted)), number(given_up(conduct))));
  add_worst_wait(facts, run.lane, finding);
  return finding;
}

}  // namespace

Judgement judge_coop_tasks(const Facts& facts, const Noise& noise) {
  const auto run = read_coop_run(facts);
  if (!run) return judgement_without_run(facts, "coop-tasks");
  Judgement judgement;
  judgement.workload.ground_truth = facts.trace.workload()->truth;
  auto& predictions = judgement.workload.predictions;
  predictions.push_back(predict_wait(*run, noise));
  predictions.push_back(predict_task_switches(facts, *run, noise));
  predictions.push_back(predict_given_up(facts, *run, noise));
  judgement.workload.headline = {
      fmt::format("{} switches in user space, {} of the thread in the kernel",
                  number(run->lane.switches), number(run->lane.kernel_switches)),
      fmt::format("a switch from task to task costs {:.0f} ns, marker included", run->switch_ns)};
  judgement.findings.push_back(verdict_of(facts, *run, predictions));
  return judgement;
}

}  // namespace observe
