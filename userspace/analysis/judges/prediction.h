// From a predicted and a measured value to a verdict. The order is always the same: what the
// machine lacks (cannot tell), what spoiled the run (inconclusive), then the comparison.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analysis/judges/judge.h"
#include "analysis/judges/workload_run.h"
#include "analysis/noise.h"
#include "report/summary.h"

namespace observe {

// One value against another, both in `unit`. The tolerance is absolute and comes from the formula:
// what a sample of this size, or a clock of this granularity, cannot resolve. It is never chosen to
// fit what was measured.
struct Expected {
  std::string name;
  std::string formula;
  std::string unit;  // short: "ms", "switches/s"; empty: a plain number
  std::optional<double> predicted;
  std::optional<double> measured;
  double tolerance = 0;
  report::Relation relation = report::Relation::kEqual;
  std::string note;  // the reason that a verdict by comparison gets
};

// Under which conditions the comparison means anything.
struct Conditions {
  // The threads had the machine to themselves and the work unit held: false only for what holds
  // whatever else runs, such as a ledger.
  bool quiet = true;
  // The measured value comes from events, so that none may be lost.
  bool lossless = true;
  std::uint64_t samples = 0;         // of which the measured value is made
  std::uint64_t enough = 0;          // fewer are too few to tell
  std::vector<std::string> lacking;  // of the machine or the privileges: "needs 2 CPUs"
  std::vector<std::string> doubts;   // further causes that make this run inconclusive
};

report::Prediction judge(Expected expected, const Noise& noise, const Conditions& conditions = {});

// The prediction of that name; null when it was not made.
const report::Prediction* find_prediction(const std::vector<report::Prediction>& predictions,
                                          std::string_view name);

// The verdict of a run over all its predictions: refuted ones make it cannot tell (the claim must
// say so), open ones consistent, else shown.
report::FindingVerdict verdict_over(const std::vector<report::Prediction>& predictions);

// For a run whose own results are missing, or whose threads are not all in the recording.
Judgement judgement_without_run(const Facts& facts, std::string id);

}  // namespace observe
