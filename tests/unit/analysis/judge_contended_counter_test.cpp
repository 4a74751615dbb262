#include "analysis/judges/counter_predictions.h"
#include "counter_story.h"

namespace observe {
namespace {

using report::FindingVerdict;
using report::PredictionVerdict;

// A shuffled but fixed sequence: about `percent` of the turns.
std::function<bool(std::size_t)> about(std::size_t percent) {
  return [percent](std::size_t turn) {
    std::uint64_t z = (turn + 1) * 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (z ^ (z >> 31)) % 100 < percent;
  };
}

Script two_cpus(std::map<std::string, Fact> truth) {
  Script script;
  script.process(B, A).has(A, running(cpu0)).has(B, running(cpu1)).has(E, sleeping(kRead));
  script.at(4ms).switches(cpu0, A, idle, blocks(kRead)).at(5ms);
  script.workload(counter_info({A, B}, 5ms, std::move(truth)));
  return script;
}

}  // namespace

TEST_CASE("the formula gives the shares that were measured on one CPU") {
  // p, threads, loss measured.
  const double runs[][3] = {{.486, 2, .344}, {.109, 2, .100}, {.852, 2, .457}, {.014, 2, .018},
                            {.495, 3, .502}, {.441, 4, .603}, {.829, 4, .728}};
  for (const auto& [p, threads, measured] : runs) {
    CAPTURE(p, threads);
    CHECK(predicted_lost_share(p, static_cast<std::size_t>(threads)) ==
          Approx(measured).margin(0.035));
  }
  CHECK(predicted_lost_share(0, 2) == 0);
  CHECK(predicted_lost_share(1, 2) == Approx(0.5));
  CHECK(predicted_lost_share(0.5, 1) == 0);
}

TEST_CASE("the tolerance narrows with the number of preemptions") {
  CHECK(lost_share_tolerance(0.5, 2, 100) == Approx(3 * 0.4444 * 0.05 + 0.02).margin(0.001));
  CHECK(lost_share_tolerance(0.5, 2, 400) < lost_share_tolerance(0.5, 2, 100) / 1.9);
  CHECK(lost_share_tolerance(0, 2, 100) > 0.02);
  CHECK(lost_share_tolerance(1, 2, 100) > 0.02);
}

TEST_CASE("losses on one CPU are matched, predicted and shown") {
  for (const std::size_t threads : {2, 3, 4}) {
    for (const std::size_t percent : {5, 50, 90}) {
      CAPTURE(threads, percent);
      Rotation rotation{.threads = threads, .turns = 400, .inside = about(percent)};
      const Story story(rotation.tell().build());
      const Judgement judgement = judge(story);
      CHECK(prediction(judgement, "ledger").verdict == PredictionVerdict::kShown);
      const auto& causes = prediction(judgement, "stale stores");
      CHECK(causes.verdict == PredictionVerdict::kShown);
      CHECK(causes.measured == Approx(static_cast<double>(rotation.stale)));
      const auto& share = prediction(judgement, "lost share");
      CAPTURE(*share.predicted, *share.measured, share.tolerance, share.reason);
      CHECK(share.verdict == PredictionVerdict::kShown);
      REQUIRE(!judgement.findings.empty());
      CHECK(judgement.findings[0].verdict == FindingVerdict::kShown);
      CHECK(judgement.findings[0].claim.find("follows a preemption between load and store") !=
            std::string::npos);
      CHECK(judgement.findings[0].at.has_value());
      const auto& truth = judgement.workload.ground_truth;
      CHECK(std::get<std::int64_t>(truth.at("matched_preemptions")) == rotation.stale);
      for (const auto& line : judgement.workload.headline) CHECK(line.size() <= 76);
    }
  }
}

TEST_CASE("a loss that the preemptions do not explain refutes the prediction") {
  Rotation rotation{.turns = 400, .inside = about(10)};
  Script script = rotation.tell();
  auto truth = counter_truth(rotation.expected, rotation.expected / 3);
  truth["ledger_sum"] = rotation.expected - rotation.expected / 3;
  truth["stale_stores"] = rotation.stale;
  script.workload(counter_info({A, B}, 1600ms, std::move(truth)));
  const Judgement judgement = judge(Story(script));
  CHECK(prediction(judgement, "lost share").verdict == PredictionVerdict::kRefuted);
}

TEST_CASE("stale stores without a cause refute the one-to-one claim") {
  Rotation rotation{.turns = 400, .inside = about(50)};
  Script script = rotation.tell();
  // Fifteen more, where nobody was preempted in the window.
  for (int i = 0; i < 15; ++i) script.at(1590ms + i * 1us).marks(0, 1, word(1, 1), word(2, 2));
  auto truth = counter_truth(rotation.expected, rotation.observed);
  truth["ledger_sum"] = rotation.thrown_away;
  truth["stale_stores"] = rotation.stale + 15;
  script.workload(counter_info({A, B}, 1600ms, std::move(truth)));
  const Judgement judgement = judge(Story(script));
  CHECK(prediction(judgement, "stale stores").verdict == PredictionVerdict::kRefuted);
  CHECK(judgement.findings[0].verdict == FindingVerdict::kCannotTell);
}

TEST_CASE("too few preemptions are inconclusive, and say how many are needed") {
  Rotation rotation{.turns = 60, .inside = about(50)};
  const Judgement judgement = judge(Story(rotation.tell().build()));
  const auto& share = prediction(judgement, "lost share");
  CHECK(share.verdict == PredictionVerdict::kInconclusive);
  CHECK(share.reason.find("100 are needed") != std::string::npos);
  CHECK(prediction(judgement, "stale stores").verdict == PredictionVerdict::kShown);
}

TEST_CASE("a disturbed machine makes the loss inconclusive, by name, but not its causes") {
  Rotation rotation{.turns = 400, .inside = about(50), .foreigner = 1ms};
  const Judgement judgement = judge(Story(rotation.tell().build()));
  const auto& share = prediction(judgement, "lost share");
  CHECK(share.verdict == PredictionVerdict::kInconclusive);
  CHECK(share.reason.find("kworker/0:1") != std::string::npos);
  CHECK(prediction(judgement, "stale stores").verdict == PredictionVerdict::kShown);
}

TEST_CASE("lost events and lost markers make causes inconclusive") {
  Rotation events{.turns = 400, .inside = about(50)};
  Script script = events.tell();
  script.loses(cpu0, 100ms, 110ms, 17);
  const Judgement without_events = judge(Story(script));
  CHECK(prediction(without_events, "stale stores").verdict == PredictionVerdict::kInconclusive);
  CHECK(prediction(without_events, "lost share").verdict == PredictionVerdict::kInconclusive);
  CHECK(without_events.findings[0].verdict == FindingVerdict::kCannotTell);

  Rotation markers{.turns = 400, .inside = about(50), .unmarked = 30};
  const Judgement without_markers = judge(Story(markers.tell().build()));
  CHECK(prediction(without_markers, "stale stores").verdict == PredictionVerdict::kInconclusive);
}

TEST_CASE("on two CPUs the threads overlapped, and how much is lost is not predicted") {
  auto truth = counter_truth(1'000'000, 510'000);
  truth["ledger_sum"] = std::int64_t{490'000};
  truth["stale_stores"] = std::int64_t{480'000};
  const Judgement judgement = judge(Story(two_cpus(truth).build()));
  CHECK(prediction(judgement, "ledger").verdict == PredictionVerdict::kShown);
  const auto& share = prediction(judgement, "lost share");
  CHECK(share.verdict == PredictionVerdict::kCannotTell);
  CHECK(!share.predicted);
  CHECK(judgement.findings[0].verdict == FindingVerdict::kShown);
  CHECK(judgement.findings[0].claim ==
        "49 % of the increments were lost: threads ran at the same time for 4.00 ms, and their "
        "loads and stores overlapped.");
}

TEST_CASE("a ledger that does not balance is refuted and not explained away") {
  auto truth = counter_truth(1'000'000, 510'000);
  truth["ledger_sum"] = std::int64_t{489'999};
  truth["stale_stores"] = std::int64_t{480'000};
  const Judgement judgement = judge(Story(two_cpus(truth).build()));
  CHECK(prediction(judgement, "ledger").verdict == PredictionVerdict::kRefuted);
  CHECK(judgement.findings[0].verdict != FindingVerdict::kShown);
}

TEST_CASE("a fix loses nothing, and has a price") {
  const Judgement judgement =
      judge(Story(two_cpus(counter_truth(2'000'000, 2'000'000, "mutex")).build()));
  CHECK(prediction(judgement, "lost updates").verdict == PredictionVerdict::kShown);
  REQUIRE(judgement.findings.size() == 2);
  CHECK(judgement.findings[0].claim.find("34x an unlocked one (mutex)") != std::string::npos);
  CHECK(judgement.findings[1].id == "cost");
  for (const auto& line : judgement.workload.headline) CHECK(line.size() <= 76);

  const Judgement broken =
      judge(Story(two_cpus(counter_truth(2'000'000, 1'999'999, "mutex")).build()));
  CHECK(prediction(broken, "lost updates").verdict == PredictionVerdict::kRefuted);
}

TEST_CASE("one instruction is safe on one CPU only") {
  Rotation rotation{.turns = 10, .inside = about(0)};
  Script script = rotation.tell();
  script.workload(counter_info({A, B}, 40ms, counter_truth(10'000, 10'000, "incmem")));
  const Judgement one = judge(Story(script));
  CHECK(prediction(one, "lost updates").verdict == PredictionVerdict::kShown);

  const Judgement two = judge(Story(two_cpus(counter_truth(10'000, 5'500, "incmem")).build()));
  CHECK(prediction(two, "lost share").verdict == PredictionVerdict::kCannotTell);
  CHECK(two.findings[0].verdict == FindingVerdict::kConsistent);
}

TEST_CASE("each switch within a restartable sequence is a restart") {
  Rotation rotation{.turns = 50, .inside = about(50)};
  Script script = rotation.tell();
  std::int64_t switches = 0;
  for (std::size_t turn = 0; turn + 1 < 50; ++turn) switches += about(50)(turn) ? 1 : 0;
  auto truth = counter_truth(rotation.expected, rotation.expected, "rseq");
  truth["restarts"] = switches;
  script.workload(counter_info({A, B}, 200ms, truth));
  CHECK(prediction(judge(Story(script)), "restarts").verdict == PredictionVerdict::kShown);

  Rotation again{.turns = 50, .inside = about(50)};
  Script other = again.tell();
  truth["restarts"] = switches + 1;
  other.workload(counter_info({A, B}, 200ms, truth));
  CHECK(prediction(judge(Story(other)), "restarts").verdict == PredictionVerdict::kRefuted);
}

TEST_CASE("results that make no sense are not judged") {
  for (const auto& [expected, observed] : {std::pair{0L, 0L}, {-5L, 3L}, {10L, -1L}}) {
    const Judgement judgement = judge(Story(two_cpus(counter_truth(expected, observed)).build()));
    CHECK(judgement.findings.at(0).verdict == FindingVerdict::kCannotTell);
    CHECK(judgement.workload.predictions.empty());
  }
  auto truth = counter_truth(10, 10);
  truth["lock"] = true;  // of the wrong type
  CHECK(judge(Story(two_cpus(truth).build())).workload.predictions.empty());

  Script missing = two_cpus(counter_truth(10, 10));
  missing.workload(counter_info({A, F}, 5ms, counter_truth(10, 10)));
  CHECK(judge(Story(missing)).findings.at(0).verdict == FindingVerdict::kCannotTell);
}

}  // namespace observe
