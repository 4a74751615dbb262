// The judges of fair threads on one CPU: yield-vs-spin, sleeper, fair-shares, custom-slices.
#include "analysis/judges/together.h"
#include "analysis/judges/yield_rule.h"
#include "coop_story.h"

namespace observe {
namespace {

using report::FindingVerdict;
using report::PredictionVerdict;

// A and B on one CPU in turns of these lengths, each left in that way.
struct Turns {
  Nanos a = 4ms;
  Nanos b = 4ms;
  Leaves a_leaves = preempted();
  int rounds = 60;
  Nanos outsider{0};  // a kernel thread runs that long after every turn of A

  Script tell(std::string name, std::map<std::string, Fact> truth,
              const std::vector<std::pair<Tid, std::string>>& threads,
              const std::vector<std::map<std::string, Fact>>& own = {}) const {
    Script script;
    script.run({.kind = RunKind::kWorkload, .name = name, .root_process = Pid{raw(A)}});
    script.host(eevdf_host());
    script.process(B, A).has(A, running(cpu0)).has(B, queued(cpu0));
    script.kernel_thread(E).name(E, "kworker/0:1").has(E, sleeping(kRead));
    Nanos at{0};
    for (int round = 0; round < rounds; ++round) {
      script.at(at += a);
      if (outsider > Nanos{0}) {
        script.wakes(E, on(cpu0)).switches(cpu0, A, E, a_leaves);
        script.at(at += outsider).switches(cpu0, E, B, blocks(kRead).kernel());
      } else {
        script.switches(cpu0, A, B, a_leaves);
      }
      script.at(at += b).switches(cpu0, B, A);
    }
    WorkloadInfo info = coop_info(std::move(name), at, std::move(truth), threads);
    for (std::size_t i = 0; i < own.size(); ++i) info.threads[i].truth = own[i];
    script.workload(std::move(info));
    return script;
  }
};

const std::vector<std::pair<Tid, std::string>> kSpinners{{A, "spinner"}, {B, "spinner"}};

std::map<std::string, Fact> nice(std::int64_t value) { return {{"nice", value}}; }

}  // namespace

TEST_CASE("fair-shares: time in proportion to weights is shown, equal time is refuted") {
  // 1024 to 335.
  const Turns by_weight{.a = 12'227us, .b = 4ms, .rounds = 120};
  Script script = by_weight.tell("fair-shares", {}, kSpinners, {nice(0), nice(5)});
  const Judgement judgement = judged(judge_fair_shares, Story(script));
  const auto& first = prediction_of(judgement, "share of nice 0");
  CHECK(first.verdict == PredictionVerdict::kShown);
  CHECK(*first.predicted == Approx(75.35).margin(0.01));
  CHECK(*first.measured == Approx(75.35).margin(0.01));
  CHECK(prediction_of(judgement, "share of nice 5").verdict == PredictionVerdict::kShown);
  CHECK(judgement.findings.front().verdict == FindingVerdict::kShown);

  const Turns equal{.rounds = 120};
  Script other = equal.tell("fair-shares", {}, kSpinners, {nice(0), nice(5)});
  CHECK(prediction_of(judged(judge_fair_shares, Story(other)), "share of nice 0").verdict ==
        PredictionVerdict::kRefuted);
  Script same = equal.tell("fair-shares", {}, kSpinners, {nice(3), nice(3)});
  CHECK(
      prediction_of(judged(judge_fair_shares, Story(same)), "share of nice 3 (thread 1)").verdict ==
      PredictionVerdict::kShown);
}

TEST_CASE("fair-shares: without the right, disturbed, or without facts there is no verdict") {
  const Turns equal{.rounds = 120};
  Script refused =
      equal.tell("fair-shares", {{"nice_refused", true}}, kSpinners, {nice(0), nice(0)});
  const auto lacking =
      prediction_of(judged(judge_fair_shares, Story(refused)), "share of nice 0 (thread 0)");
  CHECK(lacking.verdict == PredictionVerdict::kCannotTell);
  CHECK(lacking.reason.find("CAP_SYS_NICE") != std::string::npos);

  const Turns disturbed{.rounds = 120, .outsider = 1ms};
  Script noisy = disturbed.tell("fair-shares", {}, kSpinners, {nice(0), nice(0)});
  const auto open =
      prediction_of(judged(judge_fair_shares, Story(noisy)), "share of nice 0 (thread 0)");
  CHECK(open.verdict == PredictionVerdict::kInconclusive);
  CHECK(open.reason.find("kworker/0:1") != std::string::npos);

  for (const std::int64_t nonsense : {-21, 20}) {
    Script bad = equal.tell("fair-shares", {}, kSpinners, {nice(0), nice(nonsense)});
    CHECK(judged(judge_fair_shares, Story(bad)).workload.predictions.empty());
  }
  Script bare = equal.tell("fair-shares", {}, kSpinners);
  CHECK(judged(judge_fair_shares, Story(bare)).workload.predictions.empty());
}

TEST_CASE("what a yield costs, by the kernel's rule and version") {
  HostInfo host = eevdf_host();
  const std::pair<const char*, bool> kernels[] = {{"6.18.44-fc-v509", true},
                                                  {"6.18.2", false},
                                                  {"6.12.64", true},
                                                  {"6.12.48+deb13-amd64", false},
                                                  {"6.6.120", true},
                                                  {"6.6.119", false},
                                                  {"6.17.13", false},
                                                  {"6.19.0-rc1", true},
                                                  {"6.19", true},
                                                  {"7.0.1", true},
                                                  {"6", false},
                                                  {"", false},
                                                  {"6.x", false},
                                                  {"99999999999.1.1", false}};
  for (const auto& [kernel, forfeits] : kernels) {
    CAPTURE(kernel);
    host.kernel = kernel;
    CHECK(yield_forfeits_slice(host) == forfeits);
  }
  host.kernel = "6.18.44";
  host.scheduler = "CFS";
  CHECK_FALSE(yield_forfeits_slice(host));
  // u / (u + s) and u s / (s² + u²) at its ends.
  const YieldShare small = yield_share(0.1, 1.4);
  CHECK(small.share - small.spread == Approx(0.1 / 1.5));
  CHECK(small.share + small.spread == Approx(0.14 / 1.97));
  CHECK(yield_share(1.4, 1.4).share == Approx(0.5));
  CHECK(yield_share(1.4, 1.4).spread == Approx(0).margin(1e-12));
}

TEST_CASE("yield-vs-spin: the share is judged where a yield forfeits the slice") {
  const std::vector<std::pair<Tid, std::string>> threads{{A, "yielder"}, {B, "spinner"}};
  const std::map<std::string, Fact> truth{{"unit_ns", std::int64_t{100'000}}};
  const Turns polite{.a = 100us, .b = 1400us, .a_leaves = yields(), .rounds = 800};
  const std::map<std::string, Fact> counts{{"nivcsw", std::int64_t{800}}};
  Script script = polite.tell("yield-vs-spin", truth, threads, {counts});
  const Judgement judgement = judged(judge_yield_vs_spin, Story(script));
  const auto& share = prediction_of(judgement, "share");
  CHECK(share.verdict == PredictionVerdict::kShown);
  CHECK(*share.measured == Approx(6.67).margin(0.02));
  CHECK(share.tolerance < 2);
  CHECK(prediction_of(judgement, "involuntary").verdict == PredictionVerdict::kShown);

  const Turns equals{.a = 1ms, .b = 1ms, .a_leaves = yields(), .rounds = 400};
  Script other = equals.tell("yield-vs-spin", truth, threads, {counts});
  const Judgement refuted = judged(judge_yield_vs_spin, Story(other));
  CHECK(prediction_of(refuted, "share").verdict == PredictionVerdict::kRefuted);
  CHECK(prediction_of(refuted, "involuntary").verdict == PredictionVerdict::kRefuted);

  Script old = polite.tell("yield-vs-spin", truth, threads, {counts});
  HostInfo host = eevdf_host();
  host.kernel = "6.12.10";
  old.host(host);
  const Judgement measured = judged(judge_yield_vs_spin, Story(old));
  CHECK(prediction_of(measured, "share").verdict == PredictionVerdict::kCannotTell);
  CHECK(prediction_of(measured, "share").reason.find("not judged") != std::string::npos);
  CHECK(prediction_of(measured, "involuntary").verdict == PredictionVerdict::kShown);

  Script bare = polite.tell("yield-vs-spin", {}, threads);
  CHECK(judged(judge_yield_vs_spin, Story(bare)).workload.predictions.empty());
}

namespace {

// A sleeps for 2 ms beside the hog B, and gets the CPU `wait` after each wake-up; every tenth time
// after `long_wait`.
Script sleeper_script(Nanos wait, Nanos long_wait, int wakeups, Nanos work = 50us,
                      std::map<std::string, Fact> truth = {}, std::int64_t slice = 0) {
  Script script;
  script.run({.kind = RunKind::kWorkload, .name = "sleeper", .root_process = Pid{raw(A)}});
  script.host(eevdf_host());
  script.process(B, A).has(A, sleeping(kNanosleep)).has(B, running(cpu0));
  Nanos at{0};
  for (int i = 1; i <= wakeups; ++i) {
    script.at(at += 2ms).wakes(A, on(cpu0).in_hardirq());
    script.at(at += i % 10 == 0 ? long_wait : wait).switches(cpu0, B, A);
    script.at(at += work).switches(cpu0, A, B, blocks(kNanosleep));
  }
  WorkloadInfo info = coop_info("sleeper", at, std::move(truth), {{A, "sleeper"}, {B, "hog"}});
  if (slice > 0) {
    info.threads[0].truth["slice_ns"] = slice;
    info.threads[1].truth["slice_ns"] = std::int64_t{1'400'000};
  }
  script.workload(std::move(info));
  return script;
}

}  // namespace

TEST_CASE("sleeper: in at the wake-up is shown, in at the tick is refuted") {
  Script prompt = sleeper_script(20us, 3ms, 200);
  const Judgement judgement = judged(judge_sleeper, Story(prompt));
  CHECK(judgement.workload.predictions.size() == 2);
  CHECK(*prediction_of(judgement, "median").measured == Approx(20));
  CHECK(prediction_of(judgement, "median").verdict == PredictionVerdict::kShown);
  CHECK(prediction_of(judgement, "nine of ten").verdict == PredictionVerdict::kShown);
  CHECK(judgement.findings.front().verdict == FindingVerdict::kShown);

  Script slow = sleeper_script(5ms, 5ms, 200);
  const Judgement refuted = judged(judge_sleeper, Story(slow));
  CHECK(prediction_of(refuted, "median").verdict == PredictionVerdict::kRefuted);
  CHECK(prediction_of(refuted, "nine of ten").verdict == PredictionVerdict::kRefuted);
}

TEST_CASE("sleeper: too few, too busy, and a slice of its own") {
  Script few = sleeper_script(20us, 3ms, 50);
  CHECK(prediction_of(judged(judge_sleeper, Story(few)), "median").verdict ==
        PredictionVerdict::kInconclusive);
  Script busy = sleeper_script(20us, 3ms, 200, 4ms);
  CHECK(prediction_of(judged(judge_sleeper, Story(busy)), "median").reason.find("owed nothing") !=
        std::string::npos);

  const std::map<std::string, Fact> asked{{"asked_slice_ns", std::int64_t{100'000}}};
  Script granted = sleeper_script(20us, 20us, 200, 50us, asked, 100'000);
  CHECK(prediction_of(judged(judge_sleeper, Story(granted)), "short slice").verdict ==
        PredictionVerdict::kShown);
  Script ungranted = sleeper_script(20us, 20us, 200, 50us, asked);
  CHECK(prediction_of(judged(judge_sleeper, Story(ungranted)), "short slice").verdict ==
        PredictionVerdict::kCannotTell);
  Script longer = sleeper_script(20us, 20us, 200, 50us, asked, 5'000'000);
  CHECK(prediction_of(judged(judge_sleeper, Story(longer)), "short slice").verdict ==
        PredictionVerdict::kCannotTell);
}

namespace {

// A and B in turns of `first` for 60 rounds, then of `second`.
Script slice_script(Nanos first, Nanos second, std::int64_t granted_first,
                    std::int64_t granted_second, HostInfo host = eevdf_host(), int rounds = 60) {
  Script script;
  script.run({.kind = RunKind::kWorkload, .name = "custom-slices", .root_process = Pid{raw(A)}});
  script.host(std::move(host));
  script.process(B, A).has(A, running(cpu0)).has(B, queued(cpu0));
  Nanos at{0};
  const auto phase = [&](std::uint64_t number) {
    for (std::uint16_t lane = 0; lane < 2; ++lane) {
      script.at(at).marks(lane, raw(MarkerKind::kPhase), number);
    }
  };
  phase(0);
  for (int half = 0; half < 2; ++half) {
    if (half == 1) phase(1);
    for (int i = 0; i < rounds; ++i) {
      script.at(at += half == 0 ? first : second);
      script.switches(cpu0, i % 2 == 0 ? A : B, i % 2 == 0 ? B : A);
    }
  }
  WorkloadInfo info = coop_info("custom-slices", at, {}, kSpinners);
  for (auto& thread : info.threads) {
    if (granted_first > 0) thread.truth["first_granted_ns"] = granted_first;
    if (granted_second > 0) thread.truth["second_granted_ns"] = granted_second;
  }
  script.workload(std::move(info));
  return script;
}

}  // namespace

TEST_CASE("custom-slices: turns are the slices that were granted, in whole ticks") {
  Script script = slice_script(4ms, 12ms, 2'500'000, 9'500'000);
  const Judgement judgement = judged(judge_custom_slices, Story(script));
  CHECK(prediction_of(judgement, "first turn").verdict == PredictionVerdict::kShown);
  CHECK(prediction_of(judgement, "second turn").verdict == PredictionVerdict::kShown);
  CHECK(*prediction_of(judgement, "second turn").predicted == Approx(12));
  CHECK(judgement.findings.front().verdict == FindingVerdict::kShown);

  Script deaf = slice_script(4ms, 4ms, 2'500'000, 9'500'000);
  CHECK(prediction_of(judged(judge_custom_slices, Story(deaf)), "second turn").verdict ==
        PredictionVerdict::kRefuted);
  Script old = slice_script(4ms, 4ms, 0, 0);
  const auto& untold = prediction_of(judged(judge_custom_slices, Story(old)), "first turn");
  CHECK(untold.verdict == PredictionVerdict::kCannotTell);
  CHECK(untold.reason.find("6.12") != std::string::npos);
  Script brief = slice_script(4ms, 12ms, 2'500'000, 9'500'000, eevdf_host(), 10);
  CHECK(prediction_of(judged(judge_custom_slices, Story(brief)), "first turn").verdict ==
        PredictionVerdict::kInconclusive);
  HostInfo host = eevdf_host();
  host.hz = 0;
  Script tickless = slice_script(4ms, 12ms, 2'500'000, 9'500'000, host);
  CHECK(prediction_of(judged(judge_custom_slices, Story(tickless)), "first turn").verdict ==
        PredictionVerdict::kCannotTell);
}

TEST_CASE("waits and turns that an outsider cut short are told apart") {
  for (const Nanos outsider : {Nanos{0}, Nanos{5us}}) {
    CAPTURE(outsider.count());
    const Turns turns{.rounds = 10, .outsider = outsider};
    Script script = turns.tell("fair-shares", {}, kSpinners);
    const Story story(script);
    const auto run = WorkloadRun::read(story.facts());
    REQUIRE(run);
    std::vector<const Actor*> actors;
    for (const Actor& actor : run->actors()) actors.push_back(&actor);
    const Together all = together(story.facts(), actors);
    CHECK(all.ran() == 80ms);
    // The outsider comes after every turn of A: it lies in every wait, ends A's turns, and B's
    // begin after it.
    for (std::size_t actor = 0; actor < 2; ++actor) {
      const Conduct& conduct = all.conducts[actor];
      const auto waits = undisturbed_waits(story.facts(), actors, conduct.waits);
      const auto slices = undisturbed_slices(story.facts(), actors, conduct.slices);
      CHECK(conduct.waits.size() >= 9);
      CHECK(waits.size() == (outsider > 0ns ? 0 : conduct.waits.size()));
      CHECK(conduct.slices.size() >= 9);
      CHECK(slices.size() == (outsider > 0ns ? 0 : conduct.slices.size()));
    }
  }
}

}  // namespace observe
