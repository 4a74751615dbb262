#include "lock_story.h"

namespace observe {
namespace {

using report::PredictionVerdict;

// Rounds of 10 ms. Two readers on two CPUs are inside from 1 to 4 and from 2 to 6 ms; the writer
// wants the lock at 3 ms and sleeps until `writer_in`.
struct Rounds {
  std::string preferred = "readers";
  Nanos writer_in = 6ms;
  Nanos second_reader_leaves = 6ms;
  int rounds = 12;
  std::int64_t violations = 0;
  std::int64_t cpus = 3;
  bool overlap = true;

  Script tell() const {
    const Nanos end = rounds * 10ms;
    const std::uint64_t lock = preferred == "writers" ? 1 : 0;
    Script script;
    stage_locks(script, "readers-writers", {{A, "writer"}, {B, "reader"}, {C, "reader"}}, end,
                {{preferred + "_begin_ns", std::int64_t{0}},
                 {preferred + "_end_ns", to_ns(end)},
                 {preferred + "_ops", std::int64_t{3 * rounds}},
                 {"violations", violations},
                 {"cpus", cpus}});
    script.has(A, running(cpu0)).has(B, running(cpu1)).has(C, running(cpu2));
    for (int i = 0; i < rounds; ++i) {
      const Nanos at = i * 10ms;
      script.at(at + 1ms).marks(1, kAcquired, lock);
      if (overlap) script.at(at + 2ms).marks(2, kAcquired, lock);
      script.at(at + 3ms).marks(0, kWanted, lock);
      script.at(at + 3ms + 1us).switches(cpu0, A, idle, blocks(kFutex));
      script.at(at + 4ms).marks(1, kReleased, lock);
      if (!overlap) script.at(at + 4ms + 1us).marks(2, kAcquired, lock);
      script.at(at + std::min(writer_in, second_reader_leaves));
      if (second_reader_leaves <= writer_in) script.marks(2, kReleased, lock);
      script.at(at + writer_in).wakes(A, on(cpu0).recorded_on(cpu2));
      script.at(at + writer_in + 2us).switches(cpu0, idle, A).marks(0, kAcquired, lock);
      if (second_reader_leaves > writer_in) {
        script.at(at + second_reader_leaves).marks(2, kReleased, lock);
      }
      script.at(at + 8ms).marks(0, kReleased, lock);
    }
    script.at(end);
    return script;
  }
};

Judgement judged(const Rounds& rounds, const Noise& noise = {}) {
  Script script = rounds.tell();
  const Story story(script);
  return judge_readers_writers(story.facts(), noise);
}

PredictionVerdict verdict(const Judgement& judgement, std::string_view name) {
  return lock_prediction(judgement, name).verdict;
}

}  // namespace

TEST_CASE("readers overlap, a writer is alone, and sleeps until the last reader has left") {
  for (const char* preferred : {"readers", "writers"}) {
    const Judgement judgement = judged({.preferred = preferred});
    CHECK(judgement.workload.predictions.size() == 4);
    for (const auto& prediction : judgement.workload.predictions) {
      CAPTURE(preferred, prediction.name, prediction.reason);
      CHECK(prediction.verdict == PredictionVerdict::kShown);
    }
    CHECK(judgement.findings[0].verdict == report::FindingVerdict::kShown);
  }
}

TEST_CASE("a writer that came in among readers is refuted") {
  const Judgement judgement = judged({.writer_in = 5ms, .violations = 1});
  CHECK(verdict(judgement, "values that did not fit") == PredictionVerdict::kRefuted);
  CHECK(verdict(judgement, "others beside a writer") == PredictionVerdict::kRefuted);
  CHECK(lock_prediction(judgement, "others beside a writer").measured == Approx(12 * 0.998));
  CHECK(verdict(judgement, "writer asleep, readers preferred") == PredictionVerdict::kRefuted);
}

TEST_CASE("a preferred writer that slept longer than those inside stayed is refuted") {
  const Judgement judgement = judged({.preferred = "writers", .writer_in = 7ms});
  CHECK(verdict(judgement, "writer asleep, writers preferred") == PredictionVerdict::kRefuted);
  // A reader that came later is none of those who were inside.
  const Judgement later = judged({.preferred = "writers", .overlap = false});
  CHECK(lock_prediction(later, "writer asleep, writers preferred").predicted == 1.0);
  CHECK(verdict(later, "readers at once") == PredictionVerdict::kRefuted);
}

TEST_CASE("readers that a leaving writer let in are inside before they have woken up") {
  Script script;
  constexpr int kRounds = 12;
  stage_locks(script, "readers-writers", {{A, "writer"}, {B, "reader"}}, kRounds * 10ms,
              {{"writers_begin_ns", std::int64_t{0}},
               {"writers_end_ns", std::int64_t{kRounds * 10'000'000}},
               {"writers_ops", std::int64_t{3 * kRounds}},
               {"violations", std::int64_t{0}},
               {"cpus", std::int64_t{2}}});
  script.has(A, running(cpu0)).has(B, running(cpu1));
  for (int i = 0; i < kRounds; ++i) {
    const Nanos at = i * 10ms;
    script.at(at + 1ms).marks(0, kWanted, 1).marks(0, kAcquired, 1);
    script.at(at + 2ms).marks(1, kWanted, 1);
    script.at(at + 3ms).marks(0, kReleased, 1);
    script.at(at + 4ms).marks(0, kWanted, 1).switches(cpu0, A, idle, blocks(kFutex));
    script.at(at + 5ms).marks(1, kAcquired, 1);
    script.at(at + 8ms).marks(1, kReleased, 1).wakes(A, on(cpu0).recorded_on(cpu1));
    script.at(at + 8ms + 1us).switches(cpu0, idle, A).marks(0, kAcquired, 1);
    script.at(at + 9ms).marks(0, kReleased, 1);
  }
  script.at(kRounds * 10ms);
  const Story story(script);
  const Judgement judgement = judge_readers_writers(story.facts(), {});
  const auto& asleep = lock_prediction(judgement, "writer asleep, writers preferred");
  CHECK(asleep.predicted == 4.0);
  CHECK(asleep.measured == 4.0);
  CHECK(asleep.verdict == PredictionVerdict::kShown);
}

TEST_CASE("readers in parallel need two CPUs, and the writer's sleep quiet and some waits") {
  CHECK(lock_prediction(judged({.cpus = 1}), "readers at once").reason == "needs 2 CPUs");
  CHECK(verdict(judged({.rounds = 5}), "writer asleep, readers preferred") ==
        PredictionVerdict::kInconclusive);
  const Judgement disturbed = judged({}, disturbed_locks());
  CHECK(verdict(disturbed, "writer asleep, readers preferred") == PredictionVerdict::kInconclusive);
  CHECK(verdict(disturbed, "others beside a writer") == PredictionVerdict::kShown);
}

TEST_CASE("readers and writers without their facts are not judged") {
  Script script;
  stage_locks(script, "readers-writers", {{A, "writer"}, {B, "reader"}}, 1ms, {});
  script.has(A, running(cpu0)).has(B, running(cpu1)).at(1ms);
  const Story story(script);
  const Judgement judgement = judge_readers_writers(story.facts(), {});
  CHECK(judgement.workload.predictions.empty());
  CHECK(judgement.findings[0].verdict == report::FindingVerdict::kCannotTell);
}

}  // namespace observe
