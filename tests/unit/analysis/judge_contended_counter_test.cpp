#include <algorithm>
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

TEST_CASE("more threads need more preemptions, and a wide tolerance shows nothing") {
  CHECK(enough_preemptions(0.5, 2) == 100);
  for (const std::size_t threads : {4, 16, 64, 1024}) {
    for (const double p : {0.01, 0.5, 0.99}) {
      const std::uint64_t enough = enough_preemptions(p, threads);
      CAPTURE(threads, p, enough);
      CHECK(enough >= 10 * threads);
      CHECK(lost_share_tolerance(p, threads, enough) <= kWidestShareTolerance);
      CHECK(
          (enough == 100 || lost_share_tolerance(p, threads, enough - 1) > kWidestShareTolerance));
    }
  }
  // Two threads, eight turns: a rotation is half of what is predicted.
  Rotation rotation{.turns = 8, .inside = [](std::size_t turn) { return turn % 2 == 0; }};
  const Judgement judgement = judge(Story(rotation.tell().build()));
  const auto& causes = prediction(judgement, "stale stores");
  CAPTURE(*causes.predicted, *causes.measured, causes.tolerance);
  CHECK(causes.verdict == PredictionVerdict::kInconclusive);
  CHECK(causes.reason.find("use a longer --duration") != std::string::npos);
}

TEST_CASE("what is measured are the stale stores, and the matched ones are said beside") {
  Rotation rotation{.turns = 400, .inside = about(50)};
  Script script = rotation.tell();
  script.at(1590ms).marks(0, 1, word(1, 1), word(2, 2));  // without a cause
  auto truth = counter_truth(rotation.expected, rotation.observed);
  truth["ledger_sum"] = rotation.thrown_away;
  truth["stale_stores"] = rotation.stale + 1;
  script.workload(counter_info({A, B}, 1600ms, std::move(truth)));
  const Judgement judgement = judge(Story(script));
  const auto& causes = prediction(judgement, "stale stores");
  CHECK(causes.measured == Approx(static_cast<double>(rotation.stale + 1)));
  CHECK(causes.reason.find(std::to_string(rotation.stale) + " matched; 1 store without") !=
        std::string::npos);
}

TEST_CASE("one stale store is said in the singular") {
  Rotation rotation{.turns = 40, .inside = [](std::size_t turn) { return turn == 4; }};
  const Judgement judgement = judge(Story(rotation.tell().build()));
  REQUIRE(rotation.stale == 1);
  for (const std::string& line : judgement.findings[0].evidence) {
    CHECK(line.find("1 stale stores") == std::string::npos);
  }
  CHECK(judgement.findings[0].claim.find("1 stale stores") == std::string::npos);
}

TEST_CASE("a factor is given only where it tells of the increment") {
  const auto claim = [](std::map<std::string, Fact> truth) {
    return judge(Story(two_cpus(std::move(truth)).build())).findings.at(1).claim;
  };
  auto truth = counter_truth(2'000'000, 2'000'000, "mutex");
  CHECK(claim(truth) == "One increment took 17 ns of CPU time, 3.4x that of none alone.");
  truth["window"] = std::int64_t{100};
  CHECK(claim(truth) == "One increment took 17 ns of CPU time.");
  truth["window"] = std::int64_t{0};
  truth["cpu_ns_per_op"] = 4.95;  // within the error
  CHECK(claim(truth).find("1.0x") != std::string::npos);
  truth["cpu_ns_per_op"] = 0.5;
  CHECK(claim(truth) == "One increment took 0.5 ns of CPU time.");
}

TEST_CASE("a sleep on a lock counts although its waker came before the switch-out") {
  Script script;
  script.process(B, A).has(A, running(cpu0)).has(B, running(cpu1)).has(E, sleeping(kRead));
  // B wakes A, which is still on its way to sleep, and A gets back onto its run queue only later.
  script.at(1ms).waking(A, on(cpu0).recorded_on(cpu1).by(B));
  script.at(1ms + 1us).switches(cpu0, A, idle, blocks(kFutex));
  script.at(3ms + 1us).wakeup(A, on(cpu0)).switches(cpu0, idle, A).at(5ms);
  script.workload(counter_info({A, B}, 5ms, counter_truth(2'000'000, 2'000'000, "mutex")));
  const Judgement judgement = judge(Story(script.build()));
  const auto& evidence = judgement.findings.at(1).evidence;
  CHECK(std::ranges::any_of(evidence, [](const std::string& line) {
    return line.find("Off the CPU in futex for 2.00 ms in all, 1 ns") != std::string::npos;
  }));
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
        "49.0 % of the increments were lost: threads ran at the same time for 4.00 ms, and their "
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
  CHECK(judgement.findings[0].claim.find("3.4x that of none alone (mutex)") != std::string::npos);
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

// Fifty turns, each ending within the sequence or not; `more` restarts than that.
report::Prediction restarts(std::int64_t more, bool torn = false) {
  Rotation rotation{.turns = 50, .inside = about(50)};
  Script script = rotation.tell();
  std::int64_t switches = 0;
  for (std::size_t turn = 0; turn + 1 < 50; ++turn) switches += about(50)(turn) ? 1 : 0;
  auto truth = counter_truth(rotation.expected, rotation.expected, "rseq");
  truth["restarts"] = switches + more;
  script.workload(counter_info({A, B}, 200ms, truth));
  // A switch-in from nowhere: who ran until then is in doubt.
  if (torn) script.at(199ms).switches(cpu0, C, A, preempted().ip(kOutside));
  return prediction(judge(Story(script)), "restarts");  // copied while the judgement lives
}

TEST_CASE("each switch within a restartable sequence is a restart") {
  CHECK(restarts(0).verdict == PredictionVerdict::kShown);
  CHECK(restarts(0).reason.empty());
  CHECK(restarts(-1).verdict == PredictionVerdict::kRefuted);
}

TEST_CASE("more restarts than switches are named, as far as the kernel's scans may explain them") {
  const report::Prediction few = restarts(2);
  CHECK(few.verdict == PredictionVerdict::kShown);
  CHECK(few.reason.find("2 restarts without a switch") != std::string::npos);
  // In 200 ms: three scans of the process and one of each thread.
  CHECK(restarts(5).verdict == PredictionVerdict::kShown);
  CHECK(restarts(6).verdict == PredictionVerdict::kInconclusive);
}

TEST_CASE("restarts are not refuted by what the recording does not know") {
  CHECK(restarts(-1, true).verdict == PredictionVerdict::kInconclusive);
}

TEST_CASE("a thread that leaves twice before it is back in user mode restarts once") {
  const auto verdict = [](std::int64_t restarts) {
    Script script;
    script.run(
        {.kind = RunKind::kWorkload, .name = "contended-counter", .root_process = Pid{raw(A)}});
    script.process(B, A).has(A, running(cpu0)).has(B, queued(cpu0));
    script.at(1ms).switches(cpu0, A, B, preempted().ip(kInside));
    script.at(5ms).switches(cpu0, B, A, preempted().ip(kOutside));
    script.at(5ms + 20us).switches(cpu0, A, B, preempted().ip(kInside));
    script.at(9ms).switches(cpu0, B, A, preempted().ip(kOutside)).at(10ms);
    auto truth = counter_truth(1000, 1000, "rseq");
    truth["restarts"] = restarts;
    script.workload(counter_info({A, B}, 10ms, std::move(truth))).capture({.complete = true});
    return prediction(judge(Story(script)), "restarts").verdict;
  };
  CHECK(verdict(2) == PredictionVerdict::kShown);
  CHECK(verdict(1) == PredictionVerdict::kShown);
  CHECK(verdict(0) == PredictionVerdict::kRefuted);
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
