// What all judges share: verdicts by comparison, the turn of a fair thread, a workload's run.
#include "analysis/judges/fair_turn.h"
#include "analysis/judges/prediction.h"
#include "analysis/judges/workload_run.h"
#include "story.h"

namespace observe {
namespace {

using report::PredictionVerdict;
using report::Relation;

Expected expected(double predicted, double measured, double tolerance, Relation relation) {
  return {.name = "wait",
          .predicted = predicted,
          .measured = measured,
          .tolerance = tolerance,
          .relation = relation};
}

PredictionVerdict verdict(double predicted, double measured, double tolerance, Relation relation) {
  return judge(expected(predicted, measured, tolerance, relation), Noise{}).verdict;
}

Noise disturbed() {
  Noise noise;
  noise.causes = {"other threads took 40 % of the CPU time wanted, above all stress-ng"};
  return noise;
}

HostInfo host(std::string scheduler, int hz, std::int64_t slice_ns, int cpus) {
  return {.cpus_online = cpus, .hz = hz, .scheduler = std::move(scheduler), .slice_ns = slice_ns};
}

}  // namespace

TEST_CASE("a value is compared as its relation says") {
  CHECK(verdict(4, 4.3, 0.3001, Relation::kEqual) == PredictionVerdict::kShown);
  CHECK(verdict(4, 3.6, 0.3, Relation::kEqual) == PredictionVerdict::kRefuted);
  CHECK(verdict(4, 4.5, 0.3, Relation::kEqual) == PredictionVerdict::kRefuted);
  CHECK(verdict(4, 0, 0.3, Relation::kAtMost) == PredictionVerdict::kShown);
  CHECK(verdict(4, 4.5, 0.3, Relation::kAtMost) == PredictionVerdict::kRefuted);
  CHECK(verdict(4, 9, 0.3, Relation::kAtLeast) == PredictionVerdict::kShown);
  CHECK(verdict(4, 3.6, 0.3, Relation::kAtLeast) == PredictionVerdict::kRefuted);
}

TEST_CASE(
    "what the machine lacks goes before what spoiled the run, and both before the comparison") {
  const Expected value = expected(4, 4, 1, Relation::kEqual);
  const auto lacking = judge(value, disturbed(), {.lacking = {"needs 2 CPUs"}});
  CHECK(lacking.verdict == PredictionVerdict::kCannotTell);
  CHECK(lacking.reason == "needs 2 CPUs");
  const auto spoiled = judge(value, disturbed());
  CHECK(spoiled.verdict == PredictionVerdict::kInconclusive);
  CHECK(spoiled.reason.find("stress-ng") != std::string::npos);
  CHECK(judge(value, disturbed(), {.quiet = false}).verdict == PredictionVerdict::kShown);
}

TEST_CASE("lost events spoil what was counted from events, and nothing else") {
  Noise noise;
  noise.lost_events = 3;
  const Expected value = expected(4, 4, 1, Relation::kEqual);
  const auto spoiled = judge(value, noise, {.quiet = false});
  CHECK(spoiled.verdict == PredictionVerdict::kInconclusive);
  CHECK(spoiled.reason == "3 events lost");
  CHECK(judge(value, noise, {.quiet = false, .lossless = false}).verdict ==
        PredictionVerdict::kShown);
}

TEST_CASE("too few samples, or no value, is inconclusive; no prediction cannot be told") {
  const Expected value = expected(4, 4, 1, Relation::kEqual);
  CHECK(judge(value, Noise{}, {.samples = 9, .enough = 10}).verdict ==
        PredictionVerdict::kInconclusive);
  CHECK(judge(value, Noise{}, {.samples = 10, .enough = 10}).verdict == PredictionVerdict::kShown);
  Expected unmeasured = value;
  unmeasured.measured = std::nullopt;
  CHECK(judge(unmeasured, Noise{}).verdict == PredictionVerdict::kInconclusive);
  unmeasured.measured = std::nan("");
  CHECK(judge(unmeasured, Noise{}).verdict == PredictionVerdict::kInconclusive);
  Expected unpredicted = value;
  unpredicted.predicted = std::nullopt;
  CHECK(judge(unpredicted, Noise{}).verdict == PredictionVerdict::kCannotTell);
}

TEST_CASE("a run is shown only when all its predictions are") {
  const auto of = [](std::initializer_list<PredictionVerdict> verdicts) {
    std::vector<report::Prediction> predictions;
    for (const PredictionVerdict one : verdicts) predictions.push_back({.verdict = one});
    return verdict_over(predictions);
  };
  using enum PredictionVerdict;
  CHECK(of({kShown, kShown}) == report::FindingVerdict::kShown);
  CHECK(of({kShown, kInconclusive}) == report::FindingVerdict::kConsistent);
  CHECK(of({kShown, kRefuted}) == report::FindingVerdict::kCannotTell);
  CHECK(of({kInconclusive, kCannotTell}) == report::FindingVerdict::kCannotTell);
  CHECK(of({}) == report::FindingVerdict::kCannotTell);
}

TEST_CASE("a fair thread's turn is its slice in whole ticks") {
  // Measured on 6.18, 2 CPUs, HZ 250: both asking for 0.1, 1, 3, 5, 10 and 100 ms.
  const HostInfo eevdf = host("EEVDF", 250, 1'400'000, 2);
  CHECK(fair_turn(eevdf, 2)->turn == 4ms);
  CHECK(fair_turn(eevdf, 4)->turn == 4ms);
  const std::int64_t asked_and_given[][2] = {
      {100, 4}, {1'000, 4}, {3'000, 4}, {5'000, 8}, {10'000, 12}};
  for (const auto& [asked, given] : asked_and_given) {
    CAPTURE(asked);
    const auto turn = fair_turn(eevdf, 2, Nanos{asked * 1'000});
    CHECK(turn->turn == Nanos{given * 1'000'000});
    CHECK(!turn->ambiguous);
  }
  CHECK(fair_turn(eevdf, 2, Nanos{20'000'000})->ambiguous);  // 20 to 24 ms were seen
  CHECK(fair_turn(host("EEVDF", 1000, 1'400'000, 2), 2)->turn == 2ms);
}

TEST_CASE("CFS shares a period out among those who want to run") {
  // 6 ms x 3 on 4 CPUs: 9 ms for each of two, which end at the third tick of 4 ms.
  CHECK(fair_turn(host("CFS", 250, 0, 4), 2)->slice == 9ms);
  CHECK(fair_turn(host("CFS", 250, 0, 4), 2)->turn == 12ms);
  // More than eight get the granularity each.
  CHECK(fair_turn(host("CFS", 250, 0, 4), 16)->slice == Nanos{2'250'000});
  CHECK(fair_turn(host("CFS", 250, 0, 64), 2)->slice == 12ms);  // 8 CPUs count at most
}

TEST_CASE("without a tick, a slice or a known scheduler there is no turn") {
  CHECK(!fair_turn(host("EEVDF", 0, 1'400'000, 2), 2));
  CHECK(!fair_turn(host("EEVDF", 250, 0, 2), 2));
  CHECK(!fair_turn(host("sched_ext:rusty", 250, 1'400'000, 2), 2));
  CHECK(!fair_turn(host("EEVDF", 250, 1'400'000, 2), 0));
  CHECK(why_no_fair_turn(host("sched_ext:rusty", 250, 0, 2)).find("rusty") != std::string::npos);
}

TEST_CASE("quantiles are values that were seen") {
  CHECK(quantile({}, 0.5) == 0);
  CHECK(quantile({3, 1, 2}, 0.5) == 2);
  CHECK(quantile({3, 1, 2}, 0) == 1);
  CHECK(quantile({3, 1, 2}, 1) == 3);
  CHECK(quantile({4, 3, 1, 2}, 0.5) == 2);
  CHECK(mean({1, 2, 6}) == 3);
  CHECK(mean({}) == 0);
}

TEST_CASE("facts are read by name and type") {
  const std::map<std::string, Fact> truth{
      {"ops", std::int64_t{7}}, {"share", 0.5}, {"bad", std::nan("")}, {"name", std::string("x")}};
  CHECK(number_of(truth, "ops") == 7.0);
  CHECK(number_of(truth, "share") == 0.5);
  CHECK(!number_of(truth, "bad"));
  CHECK(!number_of(truth, "name"));
  CHECK(!number_of(truth, "absent"));
  CHECK(!fact_of<double>(truth, "ops"));
}

}  // namespace observe
