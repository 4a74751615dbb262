#include "analysis/judges/prediction.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "analysis/wording.h"

namespace observe {
namespace {

using report::Prediction;
using report::PredictionVerdict;

bool holds(const Prediction& prediction) {
  const double excess = *prediction.measured - *prediction.predicted;
  switch (prediction.relation) {
    case report::Relation::kEqual:
      return std::abs(excess) <= prediction.tolerance;
    case report::Relation::kAtMost:
      return excess <= prediction.tolerance;
    case report::Relation::kAtLeast:
      return -excess <= prediction.tolerance;
  }
  return false;
}

std::vector<std::string> doubts_of(const Prediction& prediction, const Noise& noise,
                                   const Conditions& conditions) {
  std::vector<std::string> doubts = conditions.doubts;
  if (conditions.quiet) {
    doubts.insert(doubts.end(), noise.causes.begin(), noise.causes.end());
  } else if (conditions.lossless && noise.lost_events > 0) {
    doubts.push_back(wording::count(noise.lost_events, "event") + " lost");
  }
  if (conditions.samples < conditions.enough) {
    doubts.push_back(fmt::format(
        "{} of them, {} are too few to tell",
        conditions.samples == 0 ? "none" : "only " + wording::number(conditions.samples),
        wording::number(conditions.enough - 1)));
  }
  if (doubts.empty() && (!prediction.measured || !std::isfinite(*prediction.measured))) {
    doubts.emplace_back("it was not measured");
  }
  return doubts;
}

}  // namespace

Prediction judge(Expected expected, const Noise& noise, const Conditions& conditions) {
  Prediction prediction{.name = std::move(expected.name),
                        .formula = std::move(expected.formula),
                        .predicted = expected.predicted,
                        .measured = expected.measured,
                        .unit = std::move(expected.unit),
                        .tolerance = expected.tolerance,
                        .relation = expected.relation,
                        .assumes_quiet = conditions.quiet};
  if (!conditions.lacking.empty()) {
    prediction.verdict = PredictionVerdict::kCannotTell;
    prediction.reason = fmt::format("{}", fmt::join(conditions.lacking, "; "));
    return prediction;
  }
  if (!prediction.predicted || !std::isfinite(*prediction.predicted)) {
    prediction.verdict = PredictionVerdict::kCannotTell;
    prediction.reason = expected.note.empty() ? "the formula lacks a value" : expected.note;
    return prediction;
  }
  const std::vector<std::string> doubts = doubts_of(prediction, noise, conditions);
  if (!doubts.empty()) {
    prediction.verdict = PredictionVerdict::kInconclusive;
    prediction.reason = fmt::format("{}", fmt::join(doubts, "; "));
    return prediction;
  }
  prediction.verdict = holds(prediction) ? PredictionVerdict::kShown : PredictionVerdict::kRefuted;
  prediction.reason = std::move(expected.note);
  return prediction;
}

const Prediction* find_prediction(const std::vector<Prediction>& predictions,
                                  std::string_view name) {
  const auto found = std::ranges::find(predictions, name, &Prediction::name);
  return found == predictions.end() ? nullptr : &*found;
}

report::FindingVerdict verdict_over(const std::vector<Prediction>& predictions) {
  const auto any = [&](PredictionVerdict verdict) {
    return std::ranges::find(predictions, verdict, &Prediction::verdict) != predictions.end();
  };
  if (predictions.empty() || any(PredictionVerdict::kRefuted)) {
    return report::FindingVerdict::kCannotTell;
  }
  const bool open = any(PredictionVerdict::kInconclusive) || any(PredictionVerdict::kCannotTell);
  if (!open) return report::FindingVerdict::kShown;
  return any(PredictionVerdict::kShown) ? report::FindingVerdict::kConsistent
                                        : report::FindingVerdict::kCannotTell;
}

Judgement judgement_without_run(const Facts& facts, std::string id) {
  Judgement judgement;
  if (facts.trace.workload()) judgement.workload.ground_truth = facts.trace.workload()->truth;
  judgement.findings.push_back(
      {.id = std::move(id),
       .verdict = report::FindingVerdict::kCannotTell,
       .claim = "What the workload did cannot be judged: its own results are missing or make no "
                "sense, or not all of its threads are in the recording."});
  return judgement;
}

}  // namespace observe
