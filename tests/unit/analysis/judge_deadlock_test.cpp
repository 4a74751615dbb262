// The judges of deadlock and of the dining philosophers.
#include "lock_story.h"

namespace observe {
namespace {

using report::PredictionVerdict;

// A and B, each with a lock, want the other's; A gives up when its timer goes off.
struct Embrace {
  Nanos patience = 300ms;
  Nanos timer = 300ms;           // after A wanted
  bool woken_by_thread = false;  // C wakes B meanwhile
  Nanos kept_awake = 10us;       // B, after it wanted
  std::int64_t found = 2;        // what the workload says

  Script tell() const {
    Script script;
    stage_locks(script, "deadlock", {{A, "taker"}, {B, "taker"}}, 400ms,
                {{"order", std::string("circular")},
                 {"patience_ms", static_cast<double>(to_ns(patience)) / 1e6},
                 {"deadlocks", std::int64_t{found > 0}},
                 {"cycle_length", found},
                 {"cycle", std::string("thread 0 wants B, held by thread 1")},
                 {"ops", std::int64_t{2}}});
    script.host({.cpus_online = 2, .hz = 250, .scheduler = "EEVDF"});
    script.has(A, running(cpu0)).has(B, running(cpu1)).has(C, sleeping(kRead, cpu1));
    script.at(1ms).marks(0, kWanted, 0).marks(0, kAcquired, 0);
    script.at(1ms).marks(1, kWanted, 1).marks(1, kAcquired, 1);
    script.at(2ms).marks(0, kWanted, 1);
    script.at(2ms + 10us).switches(cpu0, A, idle, blocks(kFutex));
    script.at(4ms).marks(1, kWanted, 0);
    script.at(4ms + kept_awake).switches(cpu1, B, idle, blocks(kFutex));
    if (woken_by_thread) {
      script.at(50ms).wakes(C, on(cpu1).in_hardirq()).switches(cpu1, idle, C);
      script.at(51ms).wakes(B, on(cpu1).by(C));
      script.at(52ms).switches(cpu1, C, B, blocks(kRead));
      script.at(53ms).switches(cpu1, B, idle, blocks(kFutex));
    }
    script.at(2ms + timer).wakes(A, on(cpu0).in_hardirq());
    script.at(2ms + timer + 20us).switches(cpu0, idle, A);
    script.at(2ms + timer + 30us).marks(0, kReleased, 0).wakes(B, on(cpu1).recorded_on(cpu0));
    script.at(2ms + timer + 40us).switches(cpu1, idle, B).marks(1, kAcquired, 0);
    script.at(400ms);
    return script;
  }
};

Judgement judged(const Story& story) {
  return judge_deadlock(story.facts(), measure_noise(story.facts()));
}

}  // namespace

TEST_CASE("a deadlock is found in the markers, and its threads are seen asleep") {
  Script script = Embrace{}.tell();
  const Story story(script);
  const Judgement judgement = judged(story);
  for (const auto& prediction : judgement.workload.predictions) {
    CAPTURE(prediction.name, prediction.reason);
    CHECK(prediction.verdict == PredictionVerdict::kShown);
  }
  CHECK(judgement.workload.predictions.size() == 4);
  CHECK(lock_prediction(judgement, "all asleep").predicted == 298.0);
  REQUIRE(!judgement.findings.empty());
  CHECK(judgement.findings[0].verdict == report::FindingVerdict::kShown);
  CHECK(judgement.findings[0].claim.find(
            "t102 wants A, held by t101; t101 wants B, held by t102") != std::string::npos);
}

TEST_CASE("a timer that was late, a wake-up by a thread and a false table are refuted") {
  Embrace late;
  late.timer = 320ms;
  Script late_script = late.tell();
  const Story late_story(late_script);
  CHECK(lock_prediction(judged(late_story), "all asleep").verdict == PredictionVerdict::kRefuted);

  Embrace woken;
  woken.woken_by_thread = true;
  Script woken_script = woken.tell();
  const Story woken_story(woken_script);
  CHECK(lock_prediction(judged(woken_story), "woken by others").verdict ==
        PredictionVerdict::kRefuted);

  Embrace liar;
  liar.found = 0;
  Script liar_script = liar.tell();
  const Story liar_story(liar_script);
  CHECK(lock_prediction(judged(liar_story), "the circle that was found").verdict ==
        PredictionVerdict::kRefuted);
}

TEST_CASE("a thread that is kept from falling asleep leaves open how long all slept") {
  Embrace busy;
  busy.kept_awake = 20ms;
  Script script = busy.tell();
  const Story story(script);
  const Judgement judgement = judge_deadlock(story.facts(), disturbed_locks());
  CHECK(lock_prediction(judgement, "threads in the circle").verdict == PredictionVerdict::kShown);
  const auto& asleep = lock_prediction(judgement, "all asleep");
  CHECK(asleep.verdict == PredictionVerdict::kInconclusive);
  CHECK(asleep.reason == "the last one took 20.0 ms to fall asleep");
}

TEST_CASE("lost events and lost markers leave open what they may have shown") {
  Script script = Embrace{}.tell();
  script.loses(cpu1, 30ms, 40ms, 5);
  const Story story(script);
  const Judgement judgement = judged(story);
  CHECK(lock_prediction(judgement, "woken by others").verdict == PredictionVerdict::kInconclusive);
  CHECK(lock_prediction(judgement, "threads in the circle").verdict == PredictionVerdict::kShown);

  Script fewer = Embrace{}.tell();
  fewer.capture({.complete = true, .markers_lost = 3});
  const Story fewer_story(fewer);
  CHECK(lock_prediction(judged(fewer_story), "threads in the circle").reason == "3 markers lost");
}

TEST_CASE("where all take the locks in the same order there must be no circle") {
  Script script;
  stage_locks(
      script, "deadlock", {{A, "taker"}, {B, "taker"}}, 1ms,
      {{"order", std::string("same")}, {"deadlocks", std::int64_t{0}}, {"ops", std::int64_t{1}}});
  script.has(A, running(cpu0)).has(B, running(cpu1));
  script.at(1us).marks(0, kWanted, 0).marks(0, kAcquired, 0).marks(0, kWanted, 1);
  script.at(2us).marks(1, kWanted, 0).marks(0, kAcquired, 1);
  script.at(9us).marks(0, kReleased, 1).marks(0, kReleased, 0);
  script.at(10us).marks(1, kAcquired, 0);
  script.at(1ms);
  const Story story(script);
  const Judgement judgement = judged(story);
  CHECK(judgement.workload.predictions.size() == 2);
  CHECK(judgement.findings[0].verdict == report::FindingVerdict::kShown);
  CHECK(judgement.findings[0].claim.starts_with("No deadlock"));
}

TEST_CASE("a deadlock whose facts are missing is not judged") {
  Script script;
  script.has(A, running(cpu0)).at(1ms);
  const Story story(script);
  CHECK(judged(story).findings[0].verdict == report::FindingVerdict::kCannotTell);

  Script bare;
  stage_locks(bare, "deadlock", {{A, "taker"}, {B, "taker"}}, 1ms, {});
  bare.has(A, running(cpu0)).has(B, running(cpu1)).at(1ms);
  const Story bare_story(bare);
  const Judgement judgement = judged(bare_story);
  CHECK(lock_prediction(judgement, "the circle that was found").verdict ==
        PredictionVerdict::kInconclusive);
}

namespace {

// Two philosophers and two forks. In the naive part both are stuck; in the ordered one A eats, then
// B; `together` lets both eat at once, which takes four forks.
Script dinner(bool together, std::int64_t meals_of_b) {
  const auto ns = [](Nanos time) { return to_ns(time); };
  Script script;
  stage_locks(
      script, "dining-philosophers",
      {{A, "philosopher", {{"naive_ops", std::int64_t{0}}, {"ordered_ops", std::int64_t{4}}}},
       {B, "philosopher", {{"naive_ops", std::int64_t{1}}, {"ordered_ops", meals_of_b}}}},
      1s,
      {{"naive_begin_ns", ns(1ms)},
       {"naive_end_ns", ns(300ms)},
       {"naive_ops", std::int64_t{1}},
       {"ordered_begin_ns", ns(400ms)},
       {"ordered_end_ns", ns(900ms)},
       {"ordered_ops", 4 + meals_of_b}});
  script.has(A, running(cpu0)).has(B, running(cpu1));
  script.at(2ms).marks(0, kAcquired, 0).marks(1, kAcquired, 1);
  script.at(3ms).marks(0, kWanted, 1).marks(1, kWanted, 0);
  script.at(200ms).marks(0, kReleased, 0);
  script.at(201ms).marks(1, kAcquired, 0).marks(1, kReleased, 0).marks(1, kReleased, 1);
  const std::uint16_t begin = raw(MarkerKind::kOperationBegin);
  const std::uint16_t end = raw(MarkerKind::kOperationEnd);
  script.at(410ms).marks(0, begin);
  if (together) script.at(412ms).marks(1, begin);
  script.at(414ms).marks(0, end);
  if (!together) script.at(416ms).marks(1, begin);
  script.at(420ms).marks(1, end);
  script.at(1s);
  return script;
}

Judgement judged_dinner(Script script) {
  const Story story(script);
  return judge_dining_philosophers(story.facts(), measure_noise(story.facts()));
}

}  // namespace

TEST_CASE("naive philosophers form a circle; ordered ones eat in turn") {
  const Judgement judgement = judged_dinner(dinner(false, 3));
  CHECK(judgement.workload.predictions.size() == 4);
  for (const auto& prediction : judgement.workload.predictions) {
    CAPTURE(prediction.name, prediction.reason);
    CHECK(prediction.verdict == PredictionVerdict::kShown);
  }
}

TEST_CASE("more philosophers at their meal than there are forks for are refuted") {
  const Judgement judgement = judged_dinner(dinner(true, 3));
  CHECK(lock_prediction(judgement, "eating at once, ordered").verdict ==
        PredictionVerdict::kRefuted);
  CHECK(judgement.findings[0].verdict == report::FindingVerdict::kCannotTell);
}

TEST_CASE("a philosopher that starves is refuted, but not in a run too short to feed all") {
  CHECK(lock_prediction(judged_dinner(dinner(false, 0)), "fewest meals, ordered").verdict ==
        PredictionVerdict::kRefuted);
  CHECK(lock_prediction(judged_dinner(dinner(false, -1)), "fewest meals, ordered").verdict ==
        PredictionVerdict::kInconclusive);
}

}  // namespace observe
