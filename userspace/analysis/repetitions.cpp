#include "analysis/repetitions.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <string>
#include <utility>

namespace observe {
namespace {

using report::Prediction;
using report::PredictionVerdict;
using report::RepeatedPrediction;
using report::Summary;

// One row per figure of a run that is worth comparing.
struct MetricRow {
  const char* name;
  const char* unit;
  double (*value)(const Summary& run);
};

double ns(Nanos value) { return static_cast<double>(to_ns(value)); }
double number(std::uint64_t value) { return static_cast<double>(value); }

constexpr MetricRow kMetrics[] = {
    {"duration", "ns", [](const Summary& run) { return ns(run.run.duration); }},
    {"run time", "ns", [](const Summary& run) { return ns(run.totals.run); }},
    {"wait time", "ns", [](const Summary& run) { return ns(run.totals.wait); }},
    {"wait p50", "ns", [](const Summary& run) { return ns(run.waits.p50); }},
    {"wait p99", "ns", [](const Summary& run) { return ns(run.waits.p99); }},
    {"wait max", "ns", [](const Summary& run) { return ns(run.waits.max); }},
    {"switches", "", [](const Summary& run) { return number(run.totals.switches); }},
    {"preempted", "", [](const Summary& run) { return number(run.totals.preempted); }},
    {"yielded", "", [](const Summary& run) { return number(run.totals.yielded); }},
    {"blocked", "", [](const Summary& run) { return number(run.totals.blocked); }},
    {"migrations", "", [](const Summary& run) { return number(run.totals.migrations); }},
    {"parallelism", "", [](const Summary& run) { return run.totals.parallelism_mean; }},
};

std::uint64_t& counter(report::VerdictCounts& counts, PredictionVerdict verdict) {
  switch (verdict) {
    case PredictionVerdict::kShown:
      return counts.shown;
    case PredictionVerdict::kRefuted:
      return counts.refuted;
    case PredictionVerdict::kInconclusive:
      return counts.inconclusive;
    case PredictionVerdict::kCannotTell:
      break;
  }
  return counts.cannot_tell;
}

void note_reason(RepeatedPrediction& row, const Prediction& one) {
  if (one.verdict == PredictionVerdict::kShown) return;
  const auto known = std::ranges::find_if(row.reasons, [&](const report::RepeatedReason& reason) {
    return reason.verdict == one.verdict && reason.reason == one.reason;
  });
  if (known != row.reasons.end()) {
    ++known->count;
  } else {
    row.reasons.push_back({one.verdict, one.reason, 1});
  }
}

RepeatedPrediction put_together(std::span<const Prediction* const> runs) {
  RepeatedPrediction row{.name = runs.front()->name,
                         .formula = runs.front()->formula,
                         .unit = runs.front()->unit,
                         .predicted = {},
                         .measured = {},
                         .verdicts = {},
                         .reasons = {}};
  std::vector<double> predicted, measured;
  for (const Prediction* one : runs) {
    if (one->predicted) predicted.push_back(*one->predicted);
    if (one->measured) measured.push_back(*one->measured);
    ++counter(row.verdicts, one->verdict);
    note_reason(row, *one);
  }
  row.predicted = spread_of(std::move(predicted));
  row.measured = spread_of(std::move(measured));
  std::ranges::stable_sort(row.reasons, std::ranges::greater{}, &report::RepeatedReason::count);
  return row;
}

// In the order in which they first come; a prediction that some runs lack has fewer verdicts.
std::vector<RepeatedPrediction> compare_predictions(std::span<const Summary* const> runs) {
  std::vector<std::pair<const Prediction*, std::vector<const Prediction*>>> groups;
  for (const Summary* run : runs) {
    if (!run->workload) continue;
    for (const Prediction& one : run->workload->predictions) {
      auto group = std::ranges::find_if(groups, [&](const auto& known) {
        return known.first->name == one.name && known.first->unit == one.unit;
      });
      if (group == groups.end()) group = groups.insert(groups.end(), {&one, {}});
      group->second.push_back(&one);
    }
  }
  std::vector<RepeatedPrediction> rows;
  for (const auto& [first, all] : groups) rows.push_back(put_together(all));
  return rows;
}

}  // namespace

std::optional<report::Spread> spread_of(std::vector<double> values) {
  std::erase_if(values, [](double value) { return !std::isfinite(value); });
  if (values.empty()) return std::nullopt;
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return report::Spread{.median = values.size() % 2 == 1
                                      ? values[middle]
                                      : std::midpoint(values[middle - 1], values[middle]),
                        .min = values.front(),
                        .max = values.back(),
                        .count = values.size()};
}

report::Repetitions compare_repetitions(std::uint64_t asked, std::vector<Summary> summaries) {
  report::Repetitions result{.asked = asked,
                             .summaries = std::move(summaries),
                             .counted = {},
                             .predictions = {},
                             .metrics = {}};
  const auto interrupted = [](const Summary& run) { return run.run.end_reason == "interrupted"; };
  const bool all = std::ranges::all_of(result.summaries, interrupted);
  std::vector<const Summary*> runs;
  for (const Summary& run : result.summaries) {
    result.counted.push_back(all || !interrupted(run));
    if (result.counted.back()) runs.push_back(&run);
  }
  result.predictions = compare_predictions(runs);
  for (const MetricRow& metric : kMetrics) {
    std::vector<double> values;
    for (const Summary* run : runs) values.push_back(metric.value(*run));
    if (const auto spread = spread_of(std::move(values))) {
      result.metrics.push_back({metric.name, metric.unit, *spread});
    }
  }
  return result;
}

}  // namespace observe
