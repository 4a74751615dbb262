// Whether the serial part limited the speed-up as Amdahl's law says.
#include <fmt/format.h>

#include "analysis/judges/judge.h"
#include "analysis/judges/rounds_run.h"
#include "analysis/wording.h"

namespace observe {

Judgement judge_amdahl(const Facts& facts, const Noise& noise) {
  const auto run = read_rounds(facts);
  if (!run) return judgement_without_run(facts, "speed-up");
  Judgement judgement;
  judgement.workload.ground_truth = run->run.truth();
  judgement.workload.predictions = predict_rounds(*run, noise, "(σ+p) / (σ + ⌈N/C⌉ · p/N)");
  judgement.workload.headline = rounds_headline(*run, judgement.workload.predictions);
  report::Finding finding = rounds_finding(*run, judgement.workload.predictions, "speed-up");
  if (run->serial_ns > 0) {
    finding.evidence.push_back(fmt::format(
        "The serial part is {} of the work: no number of CPUs makes it more than {} times as fast.",
        wording::percent(run->serial_ns / run->work_ns()),
        wording::decimal(run->work_ns() / run->serial_ns)));
  }
  judgement.findings.push_back(std::move(finding));
  return judgement;
}

}  // namespace observe
