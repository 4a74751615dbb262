#include "analysis/repetitions.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.h"

namespace observe {
namespace {

using report::PredictionVerdict;

report::Prediction prediction(std::string name, double measured, PredictionVerdict verdict,
                              std::string reason = {}) {
  report::Prediction one;
  one.name = std::move(name);
  one.formula = "a / b";
  one.unit = "stores";
  one.predicted = 10;
  one.measured = measured;
  one.verdict = verdict;
  one.reason = std::move(reason);
  return one;
}

report::Summary run_with(std::uint64_t switches, std::vector<report::Prediction> predictions) {
  report::Summary run;
  run.run.end_reason = "ended";
  run.totals.switches = switches;
  run.totals.run = Nanos{static_cast<std::int64_t>(1000 * switches)};
  run.workload.emplace();
  run.workload->predictions = std::move(predictions);
  return run;
}

report::Spread spread(const report::Repetitions& series, const std::string& name) {
  const auto found = std::ranges::find(series.metrics, name, &report::RepeatedMetric::name);
  REQUIRE(found != series.metrics.end());
  return found->spread;
}

}  // namespace

TEST_CASE("the median is the middle value, or the mean of the two in the middle") {
  CHECK_FALSE(spread_of({}));
  CHECK(spread_of({7})->median == 7);
  const auto odd = spread_of({9, 1, 5});
  CHECK(odd->median == 5);
  CHECK(odd->min == 1);
  CHECK(odd->max == 9);
  CHECK(odd->count == 3);
  CHECK(spread_of({4, 1, 3, 100})->median == 3.5);
}

TEST_CASE("values that are none are left out, and the largest do not overflow") {
  const double infinite = std::numeric_limits<double>::infinity();
  CHECK_FALSE(spread_of({NAN, infinite}));
  const auto some = spread_of({NAN, 2, -infinite, 4});
  CHECK(some->median == 3);
  CHECK(some->count == 2);
  const double largest = std::numeric_limits<double>::max();
  CHECK(spread_of({largest, largest})->median == largest);
}

TEST_CASE("predictions are matched by name, their verdicts counted with the reasons") {
  using enum PredictionVerdict;
  const report::Repetitions series = compare_repetitions(
      5, {run_with(10, {prediction("lost", 9, kShown), prediction("share", 1, kShown)}),
          run_with(30,
                   {prediction("share", 3, kInconclusive, "busy"), prediction("lost", 11, kShown)}),
          run_with(20, {prediction("lost", 30, kRefuted, "far off"),
                        prediction("share", 2, kInconclusive, "busy")}),
          run_with(40, {prediction("share", 2, kInconclusive, "few samples"),
                        prediction("late", 1, kCannotTell, "needs 2 CPUs")})});
  CHECK(series.asked == 5);
  REQUIRE(series.predictions.size() == 3);
  const report::RepeatedPrediction& lost = series.predictions[0];
  CHECK(lost.name == "lost");
  CHECK(lost.measured->median == 11);
  CHECK(lost.measured->min == 9);
  CHECK(lost.measured->max == 30);
  CHECK(lost.predicted->median == 10);
  CHECK(lost.verdicts.shown == 2);
  CHECK(lost.verdicts.refuted == 1);
  CHECK(lost.verdicts.all() == 3);
  const report::RepeatedPrediction& share = series.predictions[1];
  CHECK(share.verdicts.shown == 1);
  CHECK(share.verdicts.inconclusive == 3);
  REQUIRE(share.reasons.size() == 2);
  CHECK(share.reasons[0].reason == "busy");
  CHECK(share.reasons[0].count == 2);
  CHECK(share.reasons[1].count == 1);
  CHECK(series.predictions[2].verdicts.cannot_tell == 1);
  CHECK(spread(series, "switches").median == 25);
  CHECK(spread(series, "run time").max == 40'000);
}

TEST_CASE("a prediction without a value has verdicts and no spread") {
  report::Prediction empty = prediction("lost", 1, PredictionVerdict::kCannotTell, "nothing ran");
  empty.predicted.reset();
  empty.measured.reset();
  const report::Repetitions series = compare_repetitions(1, {run_with(1, {empty})});
  CHECK_FALSE(series.predictions[0].predicted);
  CHECK_FALSE(series.predictions[0].measured);
  CHECK(series.predictions[0].verdicts.cannot_tell == 1);
}

TEST_CASE("an interrupted run counts only where there is no other") {
  report::Summary cut = run_with(1, {prediction("lost", 1, PredictionVerdict::kRefuted)});
  cut.run.end_reason = "interrupted";
  const report::Repetitions series = compare_repetitions(
      9, {run_with(10, {prediction("lost", 9, PredictionVerdict::kShown)}), cut});
  CHECK(series.summaries.size() == 2);
  CHECK(series.counted == std::vector<bool>{true, false});
  CHECK(spread(series, "switches").count == 1);
  CHECK(series.predictions[0].verdicts.refuted == 0);

  const report::Repetitions alone = compare_repetitions(9, {cut});
  CHECK(alone.counted == std::vector<bool>{true});
  CHECK(spread(alone, "switches").median == 1);
}

}  // namespace observe
