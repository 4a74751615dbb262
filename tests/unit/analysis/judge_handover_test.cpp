// Judges of workloads in which threads wake each other: the herd, and the bounded buffer.
#include <vector>

#include "analysis/judges/wakeups.h"
#include "server_story.h"

namespace observe {
namespace {

using report::FindingVerdict;
using report::PredictionVerdict;

constexpr std::uint16_t kPhase = 2;

WorkloadThread thread_of(Tid tid, const std::string& role, Nanos end) {
  return {.tid = tid, .role = role, .begin = Time{}, .end = Time{end}, .truth = {}};
}

// Three waiters on CPU 0, and a giver on CPU 1 that gives a token every millisecond.
struct HerdRun {
  int tokens = 40;               // of each half
  int woken_in_second_half = 3;  // for each token
  std::int64_t lost_tokens = 0;
  std::int64_t sleepless = 0;

  Judgement judged() const {
    Script script;
    const Tid waiters[] = {A, B, C};
    script.run({.kind = RunKind::kWorkload, .name = "herd", .root_process = Pid{raw(A)}});
    for (const Tid tid : {A, B, C}) script.process(tid, A).has(tid, sleeping(kFutex));
    script.process(D, A).has(D, running(cpu1));
    Nanos at = 100us;
    for (int half = 0; half < 2; ++half) {
      script.at(at).marks(3, kPhase, static_cast<std::uint64_t>(half));
      for (int token = 0; token < tokens; ++token) {
        at += 1ms;
        for (int i = 0; i < (half == 0 ? 1 : woken_in_second_half); ++i) {
          const Nanos since = at + i * 20us;
          script.at(since).wakes(waiters[i], on(cpu0).by(D).recorded_on(cpu1));
          script.at(since + 1us).switches(cpu0, idle, waiters[i]);
          script.at(since + 11us).switches(cpu0, waiters[i], idle, blocks(kFutex));
        }
      }
      at += 1ms;
    }
    script.at(at).marks(3, kPhase, 2);
    const Nanos end = at + 1ms;
    script.at(end).workload({.name = "thundering-herd",
                             .phase_begin = Time{},
                             .phase_end = Time{end},
                             .truth = {{"waiters", std::int64_t{3}},
                                       {"tokens_to_one", std::int64_t{tokens}},
                                       {"tokens_to_all", std::int64_t{tokens}},
                                       {"taken", 2 * tokens - lost_tokens},
                                       {"left_over", std::int64_t{0}},
                                       {"sleepless", sleepless}},
                             .threads = {thread_of(A, "waiter", end), thread_of(B, "waiter", end),
                                         thread_of(C, "waiter", end), thread_of(D, "giver", end)}});
    const Story story(script);
    return judge_thundering_herd(story.facts(), measure_noise(story.facts()));
  }
};

}  // namespace

TEST_CASE("notify one wakes one waiter for a token, notify all wakes all") {
  const Judgement judgement = HerdRun{}.judged();
  CHECK(prediction_named(judgement, "wake-ups per token, one").measured == 1.0);
  CHECK(prediction_named(judgement, "wake-ups per token, all").measured == 3.0);
  for (const auto& one : judgement.workload.predictions) {
    CHECK(one.verdict == PredictionVerdict::kShown);
  }
  CHECK(judgement.findings.front().verdict == FindingVerdict::kShown);
  CHECK(judgement.findings.front().claim ==
        "A token that woke all of 3 waiters cost them 30.0 µs; one that woke one cost 10.0 µs.");
  for (const std::string& line : judgement.workload.headline) CHECK(line.size() <= 76);
}

TEST_CASE("a herd that is not woken as a whole refutes the prediction") {
  const auto verdict = [](HerdRun run, const char* name) {
    return prediction_named(run.judged(), name).verdict;
  };
  const HerdRun few{.woken_in_second_half = 2};
  CHECK(verdict(few, "wake-ups per token, all") == PredictionVerdict::kRefuted);
  CHECK(verdict(few, "wake-ups per token, one") == PredictionVerdict::kShown);
  // Unless the threads say that they were not yet asleep.
  CHECK(verdict({.woken_in_second_half = 2, .sleepless = 40}, "wake-ups per token, all") ==
        PredictionVerdict::kShown);
  CHECK(verdict({.lost_tokens = 1}, "tokens taken") == PredictionVerdict::kRefuted);
  CHECK(verdict({.tokens = 20}, "wake-ups per token, all") == PredictionVerdict::kInconclusive);
}

namespace {

// Four items a round; the producer A fills the buffer, then the consumer B empties it.
struct BufferRun {
  int rounds = 120;  // of each half
  std::int64_t lost = 0;
  bool batch = true;
  bool two_cpus = true;
  int hz = 250;
  int without_sleep = 0;       // rounds on two CPUs in which nobody sleeps
  std::int64_t sleepless = 0;  // that the books tell
  int preempted_instead = 0;   // stops on one CPU that are preemptions

  Judgement judged() const {
    Script script;
    script.run({.kind = RunKind::kWorkload, .name = "buffer", .root_process = Pid{raw(A)}});
    script.host({.cpus_online = two_cpus ? 2 : 1, .hz = hz, .scheduler = "EEVDF"});
    script.process(A, A).has(A, running(cpu0));
    script.process(B, A).has(B, sleeping(kFutex));
    Nanos at{};
    script.at(at).marks(0, kPhase, 0).marks(1, kPhase, 0);
    for (int round = 0; round < rounds; ++round) {
      at += 4us;
      const bool preempts = round < preempted_instead;
      script.at(at).wakes(B, on(cpu0));
      script.switches(cpu0, A, B, preempts ? preempted() : blocks(kFutex));
      at += 4us;
      script.at(at);
      if (!preempts) script.wakes(A, on(cpu0));
      script.switches(cpu0, B, A, blocks(kFutex));
    }
    if (two_cpus) {
      at += 1us;
      script.at(at).marks(0, kPhase, 1).marks(1, kPhase, 1);
      for (int round = 0; round < rounds; ++round) {
        at += 4us;
        if (round < without_sleep) continue;
        script.at(at).wakes(B, on(cpu1).recorded_on(cpu0));
        script.switches(cpu0, A, idle, blocks(kFutex));
        script.at(at + 30us).switches(cpu1, idle, B);
        at += 34us;
        script.at(at).wakes(A, on(cpu0).recorded_on(cpu1));
        script.switches(cpu1, B, idle, blocks(kFutex));
        at += 30us;
        script.at(at).switches(cpu0, idle, A);
      }
    }
    const Nanos end = at + 10us;
    std::map<std::string, Fact> truth{{"capacity", std::int64_t{4}},
                                      {"lost", lost},
                                      {"out_of_order", std::int64_t{0}},
                                      {"wake_batch", batch},
                                      {"together_items", std::int64_t{4 * rounds}},
                                      {"together_sleepless", std::int64_t{preempted_instead}}};
    if (two_cpus) {
      truth["apart_items"] = std::int64_t{4 * rounds};
      truth["apart_sleepless"] = sleepless;
    }
    script.at(end).workload(
        {.name = "producer-consumer",
         .phase_begin = Time{},
         .phase_end = Time{end},
         .truth = std::move(truth),
         .threads = {thread_of(A, "producer", end), thread_of(B, "consumer", end)}});
    const Story story(script);
    return judge_producer_consumer(story.facts(), measure_noise(story.facts()));
  }
};

PredictionVerdict verdict(const BufferRun& run, const char* name) {
  return prediction_named(run.judged(), name).verdict;
}

}  // namespace

TEST_CASE("a buffer of four costs half a switch an item, on one CPU and on two") {
  const Judgement judgement = BufferRun{}.judged();
  CHECK(prediction_named(judgement, "switches per item, one CPU").measured == 0.5);
  CHECK(prediction_named(judgement, "sleeps per item, two CPUs").measured == 0.5);
  for (const auto& one : judgement.workload.predictions) {
    CHECK(one.verdict == PredictionVerdict::kShown);
  }
  CHECK(judgement.findings.front().verdict == FindingVerdict::kShown);
  for (const std::string& line : judgement.workload.headline) CHECK(line.size() <= 76);
  // A preemption takes the place of a sleep.
  CHECK(prediction_named(BufferRun{.preempted_instead = 60}.judged(), "switches per item, one CPU")
            .measured == 0.5);
}

TEST_CASE("a buffer that loses items, or whose sides sleep less, is refuted") {
  CHECK(verdict({.lost = 1}, "lost items") == PredictionVerdict::kRefuted);
  CHECK(verdict({.without_sleep = 10}, "sleeps per item, two CPUs") == PredictionVerdict::kRefuted);
  CHECK(verdict({.without_sleep = 10, .sleepless = 20}, "sleeps per item, two CPUs") ==
        PredictionVerdict::kShown);
}

TEST_CASE("what a buffer does is left open where the machine or the run does not tell") {
  const char* const apart = "sleeps per item, two CPUs";
  CHECK(verdict({.two_cpus = false}, apart) == PredictionVerdict::kCannotTell);
  CHECK(prediction_named(BufferRun{.two_cpus = false}.judged(), apart).reason == "needs 2 CPUs");
  CHECK(verdict({.batch = false}, apart) == PredictionVerdict::kCannotTell);
  CHECK(verdict({.hz = 0}, "switches per item, one CPU") == PredictionVerdict::kCannotTell);
  CHECK(verdict({.rounds = 50}, apart) == PredictionVerdict::kInconclusive);
}

TEST_CASE("a woken thread's latency lasts from the waking to the CPU") {
  Script script;
  script.has(A, sleeping(kFutex)).has(B, running(cpu0));
  script.at(10us).wakes(A, on(cpu0)).at(40us).switches(cpu0, B, A, blocks(kRead));
  script.at(50us).switches(cpu0, A, idle, blocks(kFutex)).at(60us).wakes(A, on(cpu0));
  script.at(65us).switches(cpu0, idle, A).at(100us);
  const Story story(script);
  const ThreadTimeline& timeline = story.timeline(A);
  CHECK(wake_latencies(timeline, Time{}, Time{100us}) == std::vector<Nanos>{30us, 5us});
  CHECK(wake_latencies(timeline, Time{20us}, Time{100us}) == std::vector<Nanos>{5us});
  CHECK(times_woken(timeline, Time{}, Time{100us}) == 2);
  CHECK(times_woken(timeline, Time{}, Time{55us}) == 1);
  CHECK(times_slept(story.facts(), story.ref(A), Time{}, Time{100us}) == 1);
  CHECK(times_slept(story.facts(), story.ref(B), Time{}, Time{100us}) == 1);
  CHECK(times_slept(story.facts(), story.ref(B), Time{41us}, Time{100us}) == 0);
  CHECK(times_unknown(timeline, Time{}, Time{100us}) == 0);
}

}  // namespace observe
