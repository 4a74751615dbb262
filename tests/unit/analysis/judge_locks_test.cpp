// The judges of lock-convoy, lock-holder-preemption and priority-inversion.
#include <array>

#include "lock_story.h"

namespace observe {
namespace {

using report::PredictionVerdict;

std::int64_t ns(Nanos time) { return to_ns(time); }

// Two threads on one CPU. In the first part they hand a lock over and sleep each time, or only
// every `sleeps_each` operations; in the second one takes the mutex until it is preempted.
struct Convoy {
  std::int64_t operations = 1200;
  std::int64_t sleeps_each = 1;
  bool mutex_sleeps = false;
  bool one_cpu = true;
  std::string policy = "batch";

  Script tell() const {
    const Nanos part = operations * 10us;
    Script script;
    stage_locks(script, "lock-convoy", {{A, "worker"}, {B, "worker"}}, 2 * part + 1ms,
                {{"fifo_futex_begin_ns", ns(0us)},
                 {"fifo_futex_end_ns", ns(part)},
                 {"fifo_futex_ops", operations},
                 {"mutex_begin_ns", ns(part)},
                 {"mutex_end_ns", ns(2 * part)},
                 {"mutex_ops", operations * 2},
                 {"policy", policy},
                 {"one_cpu", one_cpu}});
    script.host({.cpus_online = 2, .hz = 250, .scheduler = "EEVDF"});
    script.has(A, running(cpu0)).has(B, sleeping(kFutex, cpu0));
    Tid on = A;
    Tid off = B;
    const auto hand_over = [&](Nanos at) {
      script.at(at).wakes(off, observe::on(cpu0));
      script.at(at + 1us).switches(cpu0, on, off, blocks(kFutex));
      std::swap(on, off);
    };
    for (std::int64_t i = 1; i < operations; i += sleeps_each) hand_over(i * 10us);
    for (std::int64_t i = 1; mutex_sleeps && i < operations; ++i) hand_over(part + i * 10us);
    script.at(2 * part + 1ms);
    return script;
  }
};

Judgement judged(Script script, const Noise& noise = {}) {
  const Story story(script);
  return judge_lock_convoy(story.facts(), noise);
}

PredictionVerdict verdict(const Judgement& judgement, std::string_view name) {
  return lock_prediction(judgement, name).verdict;
}

constexpr auto kFifo = "sleeps per operation, fifo-futex";
constexpr auto kMutex = "sleeps per operation, mutex";

}  // namespace

TEST_CASE("a lock handed over in order costs a sleep each time, and a mutex almost none") {
  const Judgement judgement = judged(Convoy{}.tell());
  CHECK(verdict(judgement, kFifo) == PredictionVerdict::kShown);
  CHECK(verdict(judgement, kMutex) == PredictionVerdict::kShown);
  CHECK(verdict(judgement, "mutex over fifo-futex") == PredictionVerdict::kShown);
  CHECK(lock_prediction(judgement, "mutex over fifo-futex").measured == 2.0);
  CHECK(judgement.findings[0].verdict == report::FindingVerdict::kShown);
  CHECK(judgement.workload.headline.size() == 2);
}

TEST_CASE("a convoy that sleeps half as often, and a mutex that sleeps each time, are refuted") {
  CHECK(verdict(judged(Convoy{.sleeps_each = 2}.tell()), kFifo) == PredictionVerdict::kRefuted);
  CHECK(verdict(judged(Convoy{.mutex_sleeps = true}.tell()), kMutex) ==
        PredictionVerdict::kRefuted);
  // Where woken threads may preempt, fewer sleeps are no surprise.
  const Judgement other = judged(Convoy{.sleeps_each = 2, .policy = "other"}.tell());
  CHECK(verdict(other, kFifo) == PredictionVerdict::kShown);
}

TEST_CASE("a convoy is not judged on several CPUs, when disturbed, or from a few operations") {
  const Judgement spread = judged(Convoy{.one_cpu = false}.tell());
  CHECK(verdict(spread, kFifo) == PredictionVerdict::kCannotTell);
  CHECK(lock_prediction(spread, kFifo).reason == "needs all threads on one CPU: --place one");
  CHECK(verdict(judged(Convoy{}.tell(), disturbed_locks()), kMutex) ==
        PredictionVerdict::kInconclusive);
  CHECK(verdict(judged(Convoy{.operations = 900}.tell()), kFifo) ==
        PredictionVerdict::kInconclusive);
  Script bare;
  stage_locks(bare, "lock-convoy", {{A, "worker"}}, 1ms, {{"fifo_futex_ops", std::int64_t{-1}}});
  bare.has(A, running(cpu0)).at(1ms);
  const Judgement nothing = judged(std::move(bare));
  CHECK(nothing.workload.predictions.empty());
  CHECK(nothing.findings[0].verdict == report::FindingVerdict::kCannotTell);
}

TEST_CASE("a line that can run empty because all others are preempted is named as the cause") {
  Script script;
  stage_locks(script, "lock-convoy", {{A, "worker"}, {B, "worker"}}, 40ms,
              {{"fifo_futex_begin_ns", ns(0us)},
               {"fifo_futex_end_ns", ns(40ms)},
               {"fifo_futex_ops", std::int64_t{4000}},
               {"policy", std::string("batch")},
               {"one_cpu", true}});
  script.host({.cpus_online = 1, .hz = 250, .scheduler = "EEVDF"});
  script.has(A, running(cpu0)).has(B, queued(cpu0));
  for (int i = 1; i < 40; ++i) {
    script.at(i * 1ms).switches(cpu0, i % 2 == 1 ? A : B, i % 2 == 1 ? B : A, preempted());
  }
  script.at(40ms);
  const Judgement judgement = judged(std::move(script));
  const auto& fifo = lock_prediction(judgement, kFifo);
  CHECK(fifo.verdict == PredictionVerdict::kInconclusive);
  CHECK(fifo.reason == "for 39.0 ms all others had been preempted, so that nobody stood in line");
}

namespace {

constexpr std::array<Tid, 4> kSpinners = {A, B, C, D};

// Four spinners take turns of 4 ms in the order given; the ticket lock serves one for each turn
// of the thread that is next in line.
struct Spinners {
  std::vector<int> rotation = {0, 1, 2, 3};
  std::int64_t operations = 100;
  Nanos median = 16ms;
  double spin_share = 0.4;
  int hz = 250;

  Script tell() const {
    constexpr int kTurns = 100;
    const Nanos part = kTurns * 4ms;
    Script script;
    std::vector<LockCast> cast;
    for (std::size_t i = 0; i < 4; ++i) {
      const std::int64_t place = i == 0 ? 3 : static_cast<std::int64_t>(i) - 1;
      cast.push_back({kSpinners[i], "spinner", {{"ticket_line", place}}});
    }
    const auto spin_ops = static_cast<std::int64_t>(spin_share * 400e6 / 2000);
    stage_locks(script, "lock-holder-preemption", cast, 2 * part,
                {{"ticket_begin_ns", ns(0us)},
                 {"ticket_end_ns", ns(part)},
                 {"ticket_ops", operations},
                 {"ticket_wait_p50_ns", ns(median)},
                 {"spin_begin_ns", ns(part)},
                 {"spin_end_ns", ns(2 * part)},
                 {"spin_ops", spin_ops},
                 {"spin_wait_p50_ns", std::int64_t{20}},
                 {"section_ns", std::int64_t{1000}},
                 {"outside_ns", std::int64_t{1000}},
                 {"alone_ns_per_op", 2000.0},
                 {"one_cpu", true}});
    script.host({.cpus_online = 2, .hz = hz, .scheduler = "EEVDF", .slice_ns = 1'400'000});
    for (std::size_t i = 0; i < 4; ++i) {
      script.has(kSpinners[i], i == std::size_t(rotation[0]) ? running(cpu0) : queued(cpu0));
    }
    for (int turn = 1; turn < 2 * kTurns; ++turn) {
      const auto at = [&](int i) { return kSpinners[std::size_t(rotation[std::size_t(i % 4)])]; };
      script.at(turn * 4ms).switches(cpu0, at(turn - 1), at(turn), preempted());
    }
    script.at(2 * part);
    return script;
  }
};

Judgement judged_spinners(const Spinners& spinners, const Noise& noise = {}) {
  Script script = spinners.tell();
  const Story story(script);
  return judge_lock_holder_preemption(story.facts(), noise);
}

}  // namespace

TEST_CASE("a ticket lock on one CPU serves one operation for each turn of the next in line") {
  const Judgement judgement = judged_spinners({});
  CHECK(lock_prediction(judgement, "wait, ticket").predicted == 16.0);
  // The first turn is under way when the part begins.
  CHECK(lock_prediction(judgement, "operations, ticket").predicted == 99.0);
  for (const auto& prediction : judgement.workload.predictions) {
    CAPTURE(prediction.name, prediction.reason);
    CHECK(prediction.verdict == PredictionVerdict::kShown);
  }
}

TEST_CASE("turns that are not taken in the order of the line give fewer operations") {
  // The line 1, 2, 3, 0 against turns 0, 2, 1, 3: every second turn or so is for nothing.
  const Judgement judgement =
      judged_spinners({.rotation = {0, 2, 1, 3}, .operations = 50, .median = 32ms});
  CHECK(lock_prediction(judgement, "operations, ticket").predicted == 49.0);
  CHECK(verdict(judgement, "operations, ticket") == PredictionVerdict::kShown);
  CHECK(verdict(judgement, "wait, ticket") == PredictionVerdict::kShown);
}

TEST_CASE("a ticket lock that serves too fast, and spinners that burn too little, are refuted") {
  const Judgement judgement =
      judged_spinners({.operations = 200, .median = 2ms, .spin_share = 0.9});
  CHECK(verdict(judgement, "wait, ticket") == PredictionVerdict::kRefuted);
  CHECK(verdict(judgement, "operations, ticket") == PredictionVerdict::kRefuted);
  CHECK(verdict(judgement, "useful share, spin") == PredictionVerdict::kRefuted);
}

TEST_CASE("without a known tick the wait has no prediction; a disturbed machine leaves all open") {
  const Judgement unknown = judged_spinners({.hz = 0});
  CHECK(verdict(unknown, "wait, ticket") == PredictionVerdict::kCannotTell);
  CHECK(lock_prediction(unknown, "wait, ticket").reason == "the kernel's tick is not known");
  CHECK(verdict(unknown, "operations, ticket") == PredictionVerdict::kShown);
  const Judgement disturbed = judged_spinners({}, disturbed_locks());
  for (const auto& prediction : disturbed.workload.predictions) {
    CHECK(prediction.verdict == PredictionVerdict::kInconclusive);
  }
}

namespace {

std::map<std::string, Fact> inversion(double none_ms, double inherit_ms, std::int64_t rounds = 10) {
  std::map<std::string, Fact> truth = {{"one_cpu", true},
                                       {"permitted", true},
                                       {"scale", std::string("realtime")},
                                       {"rest_ms", 4.0},
                                       {"medium_ms", 20.0}};
  const auto part = [&](const std::string& name, Nanos begin, double wait_ms) {
    truth[name + "_begin_ns"] = ns(begin);
    truth[name + "_end_ns"] = ns(begin + 400ms);
    truth[name + "_ops"] = rounds;
    truth[name + "_wait_p50_ms"] = wait_ms;
    truth[name + "_wait_mean_ms"] = wait_ms;
    truth[name + "_wait_max_ms"] = wait_ms;
    truth[name + "_wait_deviation_ms"] = 0.5;
  };
  part("none", 0ms, none_ms);
  part("inherit", 500ms, inherit_ms);
  return truth;
}

Judgement judged_inversion(std::map<std::string, Fact> truth, const Noise& noise = {}) {
  Script script;
  stage_locks(script, "priority-inversion", {{A, "low"}, {B, "medium"}, {C, "high"}}, 1s,
              std::move(truth));
  // low holds the lock 0 for 28 ms; for 20 of them medium has the CPU.
  script.has(A, running(cpu0)).has(B, sleeping(kFutex)).has(C, sleeping(kFutex));
  script.at(10ms).marks(0, kWanted, 0).marks(0, kAcquired, 0);
  script.at(11ms).wakes(C, on(cpu0)).switches(cpu0, A, C, preempted_in_kernel(kFutex));
  script.at(12ms).marks(2, kWanted, 0).switches(cpu0, C, A, blocks(kFutex));
  script.at(13ms).wakes(B, on(cpu0)).switches(cpu0, A, B, preempted_in_kernel(kFutex));
  script.at(33ms).switches(cpu0, B, A, blocks(kFutex));
  script.at(38ms).marks(0, kReleased, 0).wakes(C, on(cpu0));
  script.at(38ms).switches(cpu0, A, C, preempted_in_kernel(kFutex)).marks(2, kAcquired, 0);
  script.at(39ms).marks(2, kReleased, 0).switches(cpu0, C, A, blocks(kFutex));
  script.at(1s);
  const Story story(script);
  return judge_priority_inversion(story.facts(), noise);
}

}  // namespace

TEST_CASE("high waits for medium without inheritance, and only for the section with it") {
  const Judgement judgement = judged_inversion(inversion(24.4, 4.1));
  CHECK(verdict(judgement, "wait of high, none") == PredictionVerdict::kShown);
  CHECK(verdict(judgement, "wait of high, inherit") == PredictionVerdict::kShown);
  REQUIRE(judgement.findings[0].evidence.size() == 1);
  CHECK(judgement.findings[0].evidence[0] ==
        "none: in the longest wait, 26.0 ms of t103, t101 held the lock; it ran for 6.00 ms and "
        "waited for the CPU for 20.0 ms.");
}

TEST_CASE("a wait that is too short without inheritance, or too long with it, is refuted") {
  const Judgement judgement = judged_inversion(inversion(4.1, 24.4));
  CHECK(verdict(judgement, "wait of high, none") == PredictionVerdict::kRefuted);
  CHECK(verdict(judgement, "wait of high, inherit") == PredictionVerdict::kRefuted);
}

TEST_CASE("inversion needs real-time rights, one CPU, quiet and some rounds") {
  auto truth = inversion(24.4, 4.1);
  truth["permitted"] = false;
  truth["one_cpu"] = false;
  const Judgement refused = judged_inversion(truth);
  const auto& none = lock_prediction(refused, "wait of high, none");
  CHECK(none.verdict == PredictionVerdict::kCannotTell);
  CHECK(none.reason.find("CAP_SYS_NICE") != std::string::npos);
  CHECK(none.reason.find("--place one") != std::string::npos);
  CHECK(verdict(judged_inversion(inversion(24.4, 4.1, 2)), "wait of high, none") ==
        PredictionVerdict::kInconclusive);
  CHECK(verdict(judged_inversion(inversion(24.4, 4.1), disturbed_locks()),
                "wait of high, inherit") == PredictionVerdict::kInconclusive);
}

TEST_CASE("with nice values inheritance changes nothing") {
  auto truth = inversion(24.4, 23.9);
  truth["scale"] = std::string("nice");
  truth["permitted"] = false;  // not needed
  CHECK(verdict(judged_inversion(truth), "inherit over none") == PredictionVerdict::kShown);
  truth = inversion(24.4, 4.1);
  truth["scale"] = std::string("nice");
  CHECK(verdict(judged_inversion(truth), "inherit over none") == PredictionVerdict::kRefuted);
}

}  // namespace observe
