#include <cmath>

#include "base/text.h"
#include "render/json_document.h"
#include "render/repetitions.h"

namespace observe::render {
namespace {

using Json = nlohmann::ordered_json;

Json finite(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json spread_json(const report::Spread& spread) {
  return {{"median", finite(spread.median)},
          {"min", finite(spread.min)},
          {"max", finite(spread.max)},
          {"count", spread.count}};
}

Json spread_json(const std::optional<report::Spread>& spread) {
  return spread ? spread_json(*spread) : Json(nullptr);
}

Json prediction_json(const report::RepeatedPrediction& row) {
  Json reasons = Json::array();
  for (const report::RepeatedReason& reason : row.reasons) {
    reasons.push_back({{"verdict", verdict_word(reason.verdict)},
                       {"reason", text::valid_utf8(reason.reason)},
                       {"count", reason.count}});
  }
  return {{"name", text::valid_utf8(row.name)},
          {"formula", text::valid_utf8(row.formula)},
          {"unit", text::valid_utf8(row.unit)},
          {"predicted", spread_json(row.predicted)},
          {"measured", spread_json(row.measured)},
          {"verdicts",
           {{"shown", row.verdicts.shown},
            {"refuted", row.verdicts.refuted},
            {"inconclusive", row.verdicts.inconclusive},
            {"cannot-tell", row.verdicts.cannot_tell}}},
          {"reasons", std::move(reasons)}};
}

}  // namespace

std::string json_repetitions(const report::Repetitions& repetitions) {
  Json runs = Json::array();
  for (const report::Summary& run : repetitions.summaries) runs.push_back(summary_document(run));
  Json predictions = Json::array();
  for (const auto& row : repetitions.predictions) predictions.push_back(prediction_json(row));
  Json metrics = Json::array();
  for (const report::RepeatedMetric& metric : repetitions.metrics) {
    Json row = {{"name", metric.name}, {"unit", metric.unit}};
    row.update(spread_json(metric.spread));
    metrics.push_back(std::move(row));
  }
  const Json document = {{"schema", kRepetitionsSchema},          {"asked", repetitions.asked},
                         {"counted", repetitions.counted},        {"repetitions", std::move(runs)},
                         {"predictions", std::move(predictions)}, {"metrics", std::move(metrics)}};
  return document.dump(2) + "\n";
}

}  // namespace observe::render
