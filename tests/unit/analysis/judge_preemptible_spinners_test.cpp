#include "concurrency_story.h"

namespace observe {
namespace {

using report::FindingVerdict;
using report::PredictionVerdict;

constexpr auto kJudge = judge_preemptible_spinners;

struct Spinners {
  std::vector<Tid> threads{A, B};
  std::size_t turns = 60;
  Nanos turn = 4ms;
  Nanos foreigner{};
  std::int64_t slice_ns = 0;  // that each was granted; 0: not told
  HostInfo host = two_cpu_host();
  std::string policy = "other";

  Judgement judge() const {
    Script script = workload_script("preemptible-spinners", threads);
    script.host(host);
    script.run({.kind = RunKind::kWorkload,
                .name = "preemptible-spinners",
                .parameters = {{"policy", policy}},
                .root_process = Pid{raw(A)}});
    const Nanos end = take_turns(script, threads, turns, turn, foreigner);
    WorkloadInfo info = workload_info("preemptible-spinners", "spinner", threads, end,
                                      {{"one_cpu", true}, {"spread", false}});
    for (auto& thread : info.threads) {
      if (slice_ns > 0) thread.truth["slice_ns"] = slice_ns;
    }
    script.workload(std::move(info));
    const Story story(script);
    return judge_with(kJudge, story);
  }
};

Judgement on_two_cpus(bool spread, const HostInfo& host, bool shares) {
  Script script = workload_script("preemptible-spinners", {A, B});
  script.host(host).has(A, running(cpu0));
  if (shares) {
    script.has(B, queued(cpu0));
    script.at(40ms).migrates(B, cpu0, cpu1).switches(cpu1, idle, B);
  } else {
    script.has(B, running(cpu1));
  }
  script.at(100ms).workload(workload_info("preemptible-spinners", "spinner", {A, B}, 100ms,
                                          {{"one_cpu", false}, {"spread", spread}}));
  const Story story(script);
  return judge_with(kJudge, story);
}

}  // namespace

TEST_CASE("spinners that take turns of whole ticks are as predicted") {
  const Judgement two = Spinners{}.judge();
  check_readable(two);
  CHECK(the(two, "turn").verdict == PredictionVerdict::kShown);
  CHECK(the(two, "turn").measured == 4.0);
  CHECK(the(two, "wait").predicted == 4.0);
  CHECK(the(two, "wait").verdict == PredictionVerdict::kShown);
  CHECK(the(two, "turns per second").predicted == 250.0);
  CHECK(the(two, "turns per second").verdict == PredictionVerdict::kShown);
  CHECK(the(two, "largest share").verdict == PredictionVerdict::kShown);
  CHECK(two.findings.front().verdict == FindingVerdict::kShown);

  const Judgement four = Spinners{.threads = {A, B, C, D}}.judge();
  CHECK(the(four, "wait").predicted == 12.0);
  CHECK(the(four, "wait").measured == 12.0);
  CHECK(the(four, "largest share").predicted == 0.25);
  CHECK(four.findings.front().verdict == FindingVerdict::kShown);
}

TEST_CASE("turns of another length refute the prediction") {
  const Judgement judgement = Spinners{.turn = 8ms}.judge();
  CHECK(the(judgement, "turn").verdict == PredictionVerdict::kRefuted);
  CHECK(the(judgement, "wait").verdict == PredictionVerdict::kRefuted);
  CHECK(the(judgement, "turns per second").verdict == PredictionVerdict::kRefuted);
  CHECK(judgement.findings.front().verdict != FindingVerdict::kShown);
  CHECK(judgement.findings.front().claim.find("4.00 and 4.00 ms were predicted") !=
        std::string::npos);
}

TEST_CASE("the slice that threads were granted goes before the machine's") {
  const Spinners asked{.turn = 8ms, .slice_ns = 5'000'000};
  CHECK(the(asked.judge(), "turn").predicted == 8.0);
  CHECK(the(asked.judge(), "turn").verdict == PredictionVerdict::kShown);
}

TEST_CASE("a slice of almost whole ticks may end a tick later") {
  const Spinners asked{.turn = 8ms, .slice_ns = 4'000'000};
  CHECK(the(asked.judge(), "turn").predicted == 4.0);
  CHECK(the(asked.judge(), "turn").verdict == PredictionVerdict::kShown);
}

TEST_CASE("spinners that a kernel thread keeps interrupting are not judged") {
  const Judgement judgement = Spinners{.foreigner = 1ms}.judge();
  for (const char* name : {"turn", "wait", "turns per second", "largest share"}) {
    CHECK(the(judgement, name).verdict == PredictionVerdict::kInconclusive);
    CHECK(the(judgement, name).reason.find("kworker") != std::string::npos);
  }
  // A little of it only widens what turns per second can tell.
  CHECK(the(Spinners{.foreigner = 50us}.judge(), "turn").verdict == PredictionVerdict::kShown);
}

TEST_CASE("few turns are inconclusive; no tick and no fair policy cannot be told") {
  CHECK(the(Spinners{.turns = 10}.judge(), "turn").verdict == PredictionVerdict::kInconclusive);
  Spinners no_tick;
  no_tick.host.hz = 0;
  CHECK(the(no_tick.judge(), "turn").verdict == PredictionVerdict::kCannotTell);
  CHECK(the(no_tick.judge(), "turn").reason.find("tick") != std::string::npos);
  const Judgement fifo = Spinners{.policy = "fifo:10"}.judge();
  CHECK(the(fifo, "turn").verdict == PredictionVerdict::kCannotTell);
  CHECK(the(fifo, "turn").reason.find("fifo:10") != std::string::npos);
  check_readable(fifo);
}

TEST_CASE("on two CPUs two spinners are both at work all the time") {
  const Judgement judgement = on_two_cpus(true, two_cpu_host(), false);
  check_readable(judgement);
  CHECK(the(judgement, "CPUs at work").verdict == PredictionVerdict::kShown);
  CHECK(the(judgement, "CPUs at work").measured == 2.0);
  // Where threads are pinned apart, sharing is no excuse; where the kernel places them, it is.
  CHECK(the(on_two_cpus(true, two_cpu_host(), true), "CPUs at work").verdict ==
        PredictionVerdict::kRefuted);
  const Judgement free = on_two_cpus(false, two_cpu_host(), true);
  CHECK(the(free, "CPUs at work").verdict == PredictionVerdict::kInconclusive);
  CHECK(the(free, "CPUs at work").reason.find("share a CPU") != std::string::npos);
  HostInfo one = two_cpu_host();
  one.cpus_online = 1;
  CHECK(the(on_two_cpus(false, one, false), "CPUs at work").reason == "needs 2 CPUs");
}

TEST_CASE("spinners without results are not judged") {
  check_without_facts(kJudge, "preemptible-spinners");
}

}  // namespace observe
