#include "render/repetitions.h"

#include <sstream>
#include <string>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "render/json.h"
#include "support/catch.h"
#include "unit/render/sample_summary.h"

namespace observe::render {
namespace {

using report::PredictionVerdict;

report::Repetitions sample_series() {
  report::Repetitions series;
  series.asked = 5;
  series.summaries = {testing::sample_summary(), testing::sample_summary()};
  series.counted = {true, false};
  report::RepeatedPrediction lost;
  lost.name = "lost share of a rather long name";
  lost.formula = "w / (w + r)";
  lost.unit = "of all increments";
  lost.predicted = {.median = 0.25, .min = 0.25, .max = 0.25, .count = 5};
  lost.measured = {.median = 0.26, .min = 0.2, .max = 0.31, .count = 5};
  lost.verdicts.shown = 5;
  report::RepeatedPrediction late = lost;
  late.name = "late";
  late.measured.reset();
  late.verdicts = {.shown = 3, .refuted = 0, .inconclusive = 1, .cannot_tell = 1};
  late.reasons = {{PredictionVerdict::kInconclusive, "stress-ng \x1b[2J ran for 30 % of it", 1},
                  {PredictionVerdict::kCannotTell, "needs 2 CPUs", 1}};
  series.predictions = {lost, late};
  series.metrics = {{"wait p50", "ns", {.median = 4e6, .min = 3e6, .max = 5.5e6, .count = 5}},
                    {"switches", "", {.median = 291, .min = 291, .max = 291, .count = 5}},
                    {"odd", "ns", {.median = 1e300, .min = -1e300, .max = 1e300, .count = 5}}};
  return series;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a series is one table with medians, spreads and counts of verdicts") {
  const std::string text =
      terminal_repetitions(sample_series(), {.style = {}, .parameters = {}, .files = {"a to b"}});
  INFO(text);
  CHECK(contains(text, "2 of 5; 1 interrupted, and not in the table"));
  CHECK(contains(text, "shown 5/5"));
  CHECK(contains(text, "0.2 – 0.31"));
  CHECK(contains(text, "shown 3, inconclusive 1, cannot tell 1"));
  CHECK(contains(text, "inconclusive 1: stress-ng"));
  CHECK(contains(text, "cannot tell 1: needs 2 CPUs"));
  CHECK(contains(text, "4.00 ms"));
  CHECK(contains(text, "3.00 ms – 5.50 ms"));
  CHECK(contains(text, "always the same"));
  CHECK(contains(text, "a to b"));
  CHECK(text::sanitise_lines(text) == text);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) CHECK(text::width(line) <= 80);
}

TEST_CASE("a series as JSON holds every summary as it is, and the comparison") {
  const report::Repetitions series = sample_series();
  const auto document = nlohmann::json::parse(json_repetitions(series));
  CHECK(document["schema"] == "observe.repetitions/1");
  CHECK(document["asked"] == 5);
  CHECK(document["counted"] == nlohmann::json::array({true, false}));
  REQUIRE(document["repetitions"].size() == 2);
  CHECK(document["repetitions"][0] == nlohmann::json::parse(json_summary(series.summaries[0])));
  const auto& late = document["predictions"][1];
  CHECK(late["measured"].is_null());
  CHECK(late["predicted"]["median"] == 0.25);
  CHECK(late["verdicts"]["shown"] == 3);
  CHECK(late["verdicts"]["cannot-tell"] == 1);
  CHECK(late["reasons"][0]["verdict"] == "inconclusive");
  CHECK(document["metrics"][0]["name"] == "wait p50");
  CHECK(document["metrics"][0]["unit"] == "ns");
  CHECK(document["metrics"][0]["median"] == 4e6);
}

}  // namespace observe::render
