// The judges of coop-tasks, coop-hog and yielders: stories that must be shown, refuted, left open.
#include "coop_story.h"

namespace observe {
namespace {

using report::FindingVerdict;
using report::PredictionVerdict;

std::map<std::string, Fact> coop_truth(const Circle& circle, std::int64_t switches) {
  return {{"tasks", std::int64_t{circle.tasks}},
          {"unit_ns", to_ns(circle.unit)},
          {"hog_ns", to_ns(circle.hog)},
          {"switch_ns", 0.0},
          {"task_switches", switches},
          {"as_tasks", true},
          {"as_threads", false}};
}

Script coop_script(const std::string& name) {
  Script script;
  script.run({.kind = RunKind::kWorkload, .name = name, .root_process = Pid{raw(A)}});
  script.host(eevdf_host());
  script.name(A, "coop-0").has(A, running(cpu0)).has(E, sleeping(kRead));
  return script;
}

Script told(const std::string& name, const Circle& circle, std::map<std::string, Fact> truth) {
  Script script = coop_script(name);
  const Nanos end = circle.tell(script);
  script.at(end + 10us);
  script.workload(coop_info(name, end, std::move(truth), {{A, "coop"}}));
  return script;
}

}  // namespace

TEST_CASE("coop-tasks: a circle of tasks is as predicted") {
  const Circle circle{.tasks = 8, .rounds = 20};
  Script script = told("coop-tasks", circle, coop_truth(circle, 160));
  const Judgement judgement = judged(judge_coop_tasks, Story(script));
  CHECK(judgement.findings.front().verdict == FindingVerdict::kShown);
  const auto& wait = prediction_of(judgement, "wait");
  CHECK(wait.verdict == PredictionVerdict::kShown);
  CHECK(*wait.predicted == Approx(700));
  CHECK(*wait.measured == Approx(700));
  CHECK(prediction_of(judgement, "switches").verdict == PredictionVerdict::kShown);
  CHECK(prediction_of(judgement, "blocked").verdict == PredictionVerdict::kShown);
}

TEST_CASE("coop-tasks: longer turns, a missing marker and a blocking switch are refuted") {
  const Circle circle{.tasks = 8, .rounds = 20};
  auto truth = coop_truth(circle, 161);
  truth["unit_ns"] = std::int64_t{90'000};
  Script script = coop_script("coop-tasks");
  const Nanos end = circle.tell(script);
  // The window goes on, and the thread had slept in the midst of it.
  script.at(1050us).switches(cpu0, A, idle, blocks(kRead));
  script.at(1060us).wakes(A, on(cpu0).in_hardirq()).switches(cpu0, idle, A);
  script.at(end + 10us);
  script.workload(coop_info("coop-tasks", end, truth, {{A, "coop"}}));
  const Judgement judgement = judged(judge_coop_tasks, Story(script));
  CHECK(prediction_of(judgement, "wait").verdict == PredictionVerdict::kRefuted);
  CHECK(prediction_of(judgement, "switches").verdict == PredictionVerdict::kRefuted);
  CHECK(prediction_of(judgement, "blocked").verdict == PredictionVerdict::kRefuted);
  CHECK(judgement.findings.front().verdict == FindingVerdict::kCannotTell);
}

TEST_CASE("coop-tasks: a foreign thread, too few waits and lost markers leave it open") {
  const Circle circle{.tasks = 8, .rounds = 20};
  Script script = coop_script("coop-tasks");
  const Nanos end = circle.tell(script);
  script.at(1ms).wakes(E, on(cpu0)).switches(cpu0, A, E);
  script.at(3ms).switches(cpu0, E, A, blocks(kRead));
  script.at(end + 10us);
  script.workload(coop_info("coop-tasks", end, coop_truth(circle, 160), {{A, "coop"}}));
  script.capture({.complete = true, .markers_lost = 3});
  const Judgement disturbed = judged(judge_coop_tasks, Story(script));
  CHECK(prediction_of(disturbed, "wait").verdict == PredictionVerdict::kInconclusive);
  CHECK(prediction_of(disturbed, "wait").reason.find("t105") != std::string::npos);
  CHECK(prediction_of(disturbed, "switches").reason.find("3 markers lost") != std::string::npos);
  CHECK(prediction_of(disturbed, "blocked").verdict == PredictionVerdict::kShown);

  const Circle brief{.tasks = 4, .rounds = 3};
  Script few = told("coop-tasks", brief, coop_truth(brief, 12));
  CHECK(prediction_of(judged(judge_coop_tasks, Story(few)), "wait").verdict ==
        PredictionVerdict::kInconclusive);
}

TEST_CASE("the cooperative judges do without facts that are missing or make no sense") {
  const Circle circle{.tasks = 4, .hog = 5ms, .rounds = 20};
  for (const char* fact : {"tasks", "unit_ns", "switch_ns", "task_switches"}) {
    for (const bool nonsense : {false, true}) {
      CAPTURE(fact, nonsense);
      auto truth = coop_truth(circle, 80);
      truth.erase(fact);
      if (nonsense) truth[fact] = std::nan("");
      Script script = told("coop-tasks", circle, truth);
      const Story story(script);
      for (const JudgeFunction judge : {judge_coop_tasks, judge_coop_hog, judge_yielders}) {
        const Judgement judgement = judged(judge, story);
        CHECK(judgement.workload.predictions.empty());
        CHECK(judgement.findings.front().verdict == FindingVerdict::kCannotTell);
      }
    }
  }
}

TEST_CASE("coop-hog: tasks wait for the hog's whole length") {
  const Circle circle{.tasks = 4, .hog = 50ms, .rounds = 10};
  Script script = told("coop-hog", circle, coop_truth(circle, 40));
  const Judgement judgement = judged(judge_coop_hog, Story(script));
  const auto& wait = prediction_of(judgement, "tasks wait");
  CHECK(wait.verdict == PredictionVerdict::kShown);
  CHECK(*wait.predicted == Approx(50.2));
  CHECK(*wait.measured == Approx(50.2));
  CHECK(prediction_of(judgement, "worst task").verdict == PredictionVerdict::kShown);
  CHECK(judgement.findings.front().verdict == FindingVerdict::kShown);
  CHECK(judgement.findings.front().evidence.front().find("task 0 computed for 50.0 ms") !=
        std::string::npos);

  auto truth = coop_truth(circle, 40);
  truth["hog_ns"] = std::int64_t{100'000'000};
  Script other = told("coop-hog", circle, truth);
  const Judgement refuted = judged(judge_coop_hog, Story(other));
  CHECK(prediction_of(refuted, "tasks wait").verdict == PredictionVerdict::kRefuted);
  CHECK(prediction_of(refuted, "worst task").verdict == PredictionVerdict::kRefuted);
}

namespace {

// A hog and polite threads rotate on one CPU with turns of that length, for `turns` turns.
Script hog_threads(Nanos turn, int turns) {
  constexpr std::array<Tid, 4> kTids = {A, B, C, D};
  Script script;
  script.run({.kind = RunKind::kWorkload, .name = "coop-hog", .root_process = Pid{raw(A)}});
  for (std::size_t i = 0; i < kTids.size(); ++i) {
    script.process(kTids[i], A).has(kTids[i], i == 0 ? running(cpu0) : queued(cpu0));
    script.at(0us).marks(static_cast<std::uint16_t>(i), raw(MarkerKind::kPhase), 1);
  }
  for (int i = 1; i <= turns; ++i) {
    script.at(turn * i).switches(cpu0, kTids[std::size_t(i - 1) % 4], kTids[std::size_t(i) % 4]);
  }
  script.workload(coop_info("coop-hog", turn * turns, {{"as_tasks", false}, {"as_threads", true}},
                            {{A, "hog"}, {B, "polite"}, {C, "polite"}, {D, "polite"}}));
  return script;
}

}  // namespace

TEST_CASE("coop-hog: threads wait for a turn of each rival") {
  Script script = hog_threads(4ms, 100);
  script.host(eevdf_host());
  const Judgement judgement = judged(judge_coop_hog, Story(script));
  const auto& wait = prediction_of(judgement, "threads wait");
  CHECK(wait.verdict == PredictionVerdict::kShown);
  CHECK(*wait.predicted == Approx(12));
  CHECK(*wait.measured == Approx(12));
  CHECK(prediction_of(judgement, "worst thread").verdict == PredictionVerdict::kShown);

  Script longer = hog_threads(12ms, 100);
  longer.host(eevdf_host());
  const Judgement refuted = judged(judge_coop_hog, Story(longer));
  CHECK(prediction_of(refuted, "threads wait").verdict == PredictionVerdict::kRefuted);
  CHECK(prediction_of(refuted, "worst thread").verdict == PredictionVerdict::kRefuted);

  Script unknown = hog_threads(4ms, 100);
  unknown.host({.cpus_online = 2, .hz = 0, .scheduler = "EEVDF", .slice_ns = 1'400'000});
  const auto& untold = prediction_of(judged(judge_coop_hog, Story(unknown)), "threads wait");
  CHECK(untold.verdict == PredictionVerdict::kCannotTell);
  CHECK(untold.reason.find("tick") != std::string::npos);

  Script brief = hog_threads(4ms, 12);
  brief.host(eevdf_host());
  CHECK(prediction_of(judged(judge_coop_hog, Story(brief)), "threads wait").verdict ==
        PredictionVerdict::kInconclusive);
}

namespace {

// Three threads yield after 100 µs each; `next` says who comes after whom.
Script yield_script(const std::function<std::size_t(std::size_t turn)>& next, int turns,
                    std::int64_t calls, Nanos length = 100us) {
  constexpr std::array<Tid, 3> kTids = {A, B, C};
  Script script;
  script.run({.kind = RunKind::kWorkload, .name = "yielders", .root_process = Pid{raw(A)}});
  script.has(E, sleeping(kRead));
  for (std::size_t i = 0; i < kTids.size(); ++i) {
    script.process(kTids[i], A).has(kTids[i], i == 0 ? running(cpu0) : queued(cpu0));
  }
  for (int i = 1; i <= turns; ++i) {
    const auto turn = static_cast<std::size_t>(i);
    script.at(length * i).switches(cpu0, kTids[next(turn - 1)], kTids[next(turn)], yields());
  }
  script.workload(coop_info("yielders", length * turns,
                            {{"unit_ns", std::int64_t{99'500}},
                             {"yield_ns", 300.0},
                             {"yields", calls},
                             {"nivcsw", calls}},
                            {{A, "yielder"}, {B, "yielder"}, {C, "yielder"}}));
  return script;
}

std::size_t in_circle(std::size_t turn) { return turn % 3; }
// A B A C: B and C are passed over in turns.
std::size_t out_of_order(std::size_t turn) { return turn % 2 == 0 ? 0 : turn % 4 == 1 ? 1 : 2; }

}  // namespace

TEST_CASE("yielders: whatever the order, turns and mean waits are shown") {
  for (const bool circle : {true, false}) {
    CAPTURE(circle);
    Script script = yield_script(circle ? in_circle : out_of_order, 600, 600);
    const Judgement judgement = judged(judge_yielders, Story(script));
    for (const char* name : {"turn", "mean wait", "yields"}) {
      CAPTURE(name);
      CHECK(prediction_of(judgement, name).verdict == PredictionVerdict::kShown);
    }
    CHECK(*prediction_of(judgement, "mean wait").measured == Approx(200).margin(2));
    CHECK(judgement.findings.front().verdict == FindingVerdict::kShown);
    const bool in_order = judgement.workload.headline.back().find("100.0 %") != std::string::npos;
    CHECK(in_order == circle);
  }
}

TEST_CASE("yielders: longer turns and calls that switch nothing are refuted") {
  Script script = yield_script(in_circle, 600, 900, 150us);
  const Judgement judgement = judged(judge_yielders, Story(script));
  CHECK(prediction_of(judgement, "turn").verdict == PredictionVerdict::kRefuted);
  CHECK(prediction_of(judgement, "mean wait").verdict == PredictionVerdict::kShown);
  CHECK(prediction_of(judgement, "yields").verdict == PredictionVerdict::kRefuted);
  CHECK(judgement.findings.front().verdict == FindingVerdict::kCannotTell);

  Script brief = yield_script(in_circle, 30, 30);
  CHECK(prediction_of(judged(judge_yielders, Story(brief)), "turn").verdict ==
        PredictionVerdict::kInconclusive);
}

}  // namespace observe
