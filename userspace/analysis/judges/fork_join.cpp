// Whether a batch of equal pieces was done as many times faster as the CPUs allow.
#include "analysis/judges/judge.h"
#include "analysis/judges/rounds_run.h"

namespace observe {

Judgement judge_fork_join(const Facts& facts, const Noise& noise) {
  const auto run = read_rounds(facts);
  if (!run) return judgement_without_run(facts, "speed-up");
  Judgement judgement;
  judgement.workload.ground_truth = run->run.truth();
  judgement.workload.predictions = predict_rounds(*run, noise, "N / ⌈N/C⌉");
  judgement.workload.headline = rounds_headline(*run, judgement.workload.predictions);
  judgement.findings.push_back(rounds_finding(*run, judgement.workload.predictions, "speed-up"));
  return judgement;
}

}  // namespace observe
