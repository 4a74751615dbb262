// oversubscribe, placement, ping-pong and false-sharing.
#include "analysis/judges/cpu_sharing.h"
#include "concurrency_story.h"

namespace observe {
namespace {

using report::FindingVerdict;
using report::PredictionVerdict;

struct Oversubscribed {
  Nanos foreigner{};
  std::int64_t delay_each_ns = 120'000'000;  // by the kernel's account; < 0: it keeps none
  std::int64_t cpus = 1;
  bool idles = false;  // cpu1 is left idle for a long time

  Judgement judge() const {
    Script script = workload_script("oversubscribe", {A, B, C});
    Nanos end{};
    std::vector<Tid> threads{A, B};
    if (idles) {
      threads = {A, B, C};
      for (const Tid tid : {A, B}) script.has(tid, tid == A ? running(cpu0) : queued(cpu0));
      script.has(C, running(cpu1));
      // C sleeps though it should compute: cpu1 is idle while B waits on cpu0.
      script.at(60ms).switches(cpu1, C, idle, blocks(kNanosleep));
      script.at(120ms).wakes(C, on(cpu1)).switches(cpu1, idle, C);
      end = 240ms;
      script.at(end);
    } else {
      end = take_turns(script, threads, 60, 4ms, foreigner);
    }
    WorkloadInfo info = workload_info("oversubscribe", "spinner", threads, end, {{"cpus", cpus}});
    for (auto& thread : info.threads) {
      if (delay_each_ns >= 0) thread.truth["sched_delay_ns"] = delay_each_ns;
    }
    script.workload(std::move(info));
    const Story story(script);
    return judge_with(judge_oversubscribe, story);
  }
};

// Free until 50 ms, pinned until 100 ms.
struct Placed {
  bool migrates_pinned = false;
  std::int64_t cpus = 2;

  Judgement judge() const {
    Script script = workload_script("placement", {A, B});
    script.has(A, running(cpu0)).has(B, queued(cpu0));
    script.at(0ms);
    for (std::uint16_t lane = 0; lane < 2; ++lane) {
      script.marks(lane, raw(MarkerKind::kPhase), 0);
    }
    script.at(20ms).migrates(B, cpu0, cpu1).switches(cpu1, idle, B);
    script.at(50ms);
    for (std::uint16_t lane = 0; lane < 2; ++lane) {
      script.marks(lane, raw(MarkerKind::kPhase), 1);
    }
    if (migrates_pinned) {
      script.at(70ms).switches(cpu1, B, idle).migrates(B, cpu1, cpu0);
      script.at(90ms).migrates(B, cpu0, cpu1).switches(cpu1, idle, B);
    }
    script.at(100ms).workload(
        workload_info("placement", "spinner", {A, B}, 100ms, {{"cpus", cpus}}));
    const Story story(script);
    return judge_with(judge_placement, story);
  }
};

// `trips` round trips on cpu0, then as many with B on cpu1, each hand-over `across` long.
struct PingPong {
  std::size_t trips = 150;
  std::size_t extra = 0;  // switches too many on one CPU
  Nanos across = 30us;
  bool two = true;

  Judgement judge() const {
    Script script = workload_script("ping-pong", {A, B});
    script.has(A, running(cpu0)).has(B, sleeping(kRead));
    script.at(0us).marks(0, raw(MarkerKind::kPhase), 0);
    Nanos at{};
    const auto hand_over = [&](Tid from, Tid to) {
      at += 1us;
      script.at(at).wakes(to, on(cpu0).by(from)).switches(cpu0, from, to, blocks(kRead));
    };
    for (std::size_t i = 0; i < trips + extra; ++i) {
      hand_over(A, B);
      hand_over(B, A);
    }
    const Nanos one_ends = at;
    std::map<std::string, Fact> truth{
        {"one_cpu_round_trips", static_cast<std::int64_t>(trips)},
        {"one_cpu_rtt_ns", static_cast<double>(to_ns(at)) / static_cast<double>(trips)}};
    script.at(at).marks(0, raw(MarkerKind::kPhase), 1);
    if (two) {
      for (std::size_t i = 0; i < trips; ++i) {
        at += 1us;
        script.at(at).wakes(B, on(cpu1).by(A)).switches(cpu0, A, idle, blocks(kRead));
        at += across;
        script.at(at).switches(cpu1, idle, B);
        at += 1us;
        script.at(at).wakes(A, on(cpu0).by(B)).switches(cpu1, B, idle, blocks(kRead));
        at += across;
        script.at(at).switches(cpu0, idle, A);
      }
      truth["two_cpus_round_trips"] = static_cast<std::int64_t>(trips);
      truth["two_cpus_rtt_ns"] =
          static_cast<double>(to_ns(at - one_ends)) / static_cast<double>(trips);
      script.at(at).marks(0, raw(MarkerKind::kPhase), 2);
    }
    script.at(at + 1us);
    WorkloadInfo info = workload_info("ping-pong", "ping", {A, B}, at, std::move(truth));
    info.threads[1].role = "pong";
    script.workload(std::move(info));
    const Story story(script);
    return judge_with(judge_ping_pong, story);
  }
};

struct FalseSharing {
  double packed = 20;
  double padded = 5;
  Nanos together = 50ms;  // of each phase of 50 ms
  HostInfo host = two_cpu_host();
  Cpu second = cpu1;

  Judgement judge() const {
    Script script = workload_script("false-sharing", {A, B});
    script.host(host).has(A, running(cpu0));
    script.has(B, second == cpu0 ? queued(cpu0) : running(second));
    for (std::uint64_t phase = 0; phase < 6; ++phase) {
      const Nanos begin = phase * 50ms;
      script.at(begin).marks(0, raw(MarkerKind::kPhase), phase);
      if (together < 50ms && second != cpu0) {
        script.at(begin + together).switches(second, B, idle, blocks(kFutex));
        script.at(begin + 50ms).wakes(B, on(second)).switches(second, idle, B);
      }
    }
    script.at(300ms).workload(
        workload_info("false-sharing", "counter", {A, B}, 300ms,
                      {{"packed_ns_per_op", packed}, {"padded_ns_per_op", padded}}));
    const Story story(script);
    return judge_with(judge_false_sharing, story);
  }
};

}  // namespace

TEST_CASE("with more threads than CPUs the rest waits, by the events and by the kernel's account") {
  const Judgement judgement = Oversubscribed{}.judge();
  check_readable(judgement);
  CHECK(the(judgement, "CPU time").predicted == 240.0);
  CHECK(the(judgement, "CPU time").measured == 240.0);
  CHECK(the(judgement, "waiting").predicted == 240.0);
  for (const auto& one : judgement.workload.predictions) {
    CHECK(one.verdict == PredictionVerdict::kShown);
  }
  CHECK(judgement.findings.front().verdict == FindingVerdict::kShown);
}

TEST_CASE("an account of waiting that differs refutes the prediction; none cannot be told") {
  const Judgement judgement = Oversubscribed{.delay_each_ns = 90'000'000}.judge();
  CHECK(the(judgement, "waiting").verdict == PredictionVerdict::kShown);
  CHECK(the(judgement, "waiting, the kernel's account").verdict == PredictionVerdict::kRefuted);
  CHECK(the(Oversubscribed{.delay_each_ns = -1}.judge(), "waiting, the kernel's account").verdict ==
        PredictionVerdict::kCannotTell);
}

TEST_CASE("waiting is not judged with a disturber, with CPUs left idle, or with CPUs enough") {
  const Judgement disturbed = Oversubscribed{.foreigner = 1ms}.judge();
  CHECK(the(disturbed, "waiting").verdict == PredictionVerdict::kInconclusive);
  CHECK(the(disturbed, "waiting").reason.find("kworker") != std::string::npos);
  const Judgement idles = Oversubscribed{.cpus = 2, .idles = true}.judge();
  CHECK(the(idles, "CPU time").verdict == PredictionVerdict::kInconclusive);
  CHECK(the(idles, "CPU time").reason.find("idle for 60.0 ms") != std::string::npos);
  const Judgement enough = Oversubscribed{.cpus = 2}.judge();
  CHECK(the(enough, "waiting").verdict == PredictionVerdict::kCannotTell);
  CHECK(the(enough, "waiting").reason.find("more threads than CPUs") != std::string::npos);
}

TEST_CASE("pinned threads stay where they are, and free ones are only measured") {
  const Judgement judgement = Placed{}.judge();
  check_readable(judgement);
  CHECK(the(judgement, "migrations, pinned").verdict == PredictionVerdict::kShown);
  CHECK(the(judgement, "CPUs at work, pinned").verdict == PredictionVerdict::kShown);
  CHECK(std::get<std::int64_t>(judgement.workload.ground_truth.at("free_migrations")) == 1);
  CHECK(std::get<std::int64_t>(judgement.workload.ground_truth.at("free_waiting_ns")) ==
        20'000'000);
}

TEST_CASE("a migration of a pinned thread refutes the prediction") {
  const Judgement judgement = Placed{.migrates_pinned = true}.judge();
  CHECK(the(judgement, "migrations, pinned").measured == 2.0);
  CHECK(the(judgement, "migrations, pinned").verdict == PredictionVerdict::kRefuted);
  CHECK(the(judgement, "CPUs at work, pinned").verdict == PredictionVerdict::kRefuted);
  CHECK(the(Placed{.cpus = 1}.judge(), "CPUs at work, pinned").reason == "needs 2 CPUs");
}

TEST_CASE("what may have happened in unknown time neither shows nor refutes") {
  const Expected expected{.name = "CPUs", .predicted = 2, .measured = 1.5, .tolerance = 0.1};
  Conditions little;
  doubt_unknown(little, expected, 0.3, 30ms);
  CHECK(little.doubts.empty());
  Conditions enough;
  doubt_unknown(enough, expected, 0.5, 50ms);
  REQUIRE(enough.doubts.size() == 1);
  CHECK(enough.doubts.front().find("not known for 50") != std::string::npos);
  Conditions held;
  doubt_unknown(held, {.predicted = 2, .measured = 1.95, .tolerance = 0.1}, 0.5, 50ms);
  CHECK(held.doubts.empty());
}

TEST_CASE("a round trip on one CPU is two switches, and across two it is not shorter") {
  const Judgement judgement = PingPong{}.judge();
  check_readable(judgement);
  CHECK(the(judgement, "switches per round trip").verdict == PredictionVerdict::kShown);
  CHECK(*the(judgement, "switches per round trip").measured == Approx(2.0).margin(0.01));
  CHECK(*the(judgement, "round trip across CPUs").predicted == Approx(2.0));
  CHECK(*the(judgement, "round trip across CPUs").measured == Approx(62.0));
  CHECK(the(judgement, "round trip across CPUs").verdict == PredictionVerdict::kShown);
  CHECK(judgement.findings.front().verdict == FindingVerdict::kShown);
}

TEST_CASE("switches too many, and a faster second CPU, refute the predictions") {
  const Judgement more = PingPong{.extra = 20}.judge();
  CHECK(the(more, "switches per round trip").verdict == PredictionVerdict::kRefuted);
  const Judgement faster = PingPong{.across = 1ns}.judge();
  CHECK(the(faster, "round trip across CPUs").verdict == PredictionVerdict::kShown);
  PingPong slow_alone{.extra = 150, .across = 1ns};
  CHECK(the(slow_alone.judge(), "round trip across CPUs").verdict == PredictionVerdict::kRefuted);
}

TEST_CASE("few round trips are inconclusive, and one CPU cannot tell about two") {
  CHECK(the(PingPong{.trips = 50}.judge(), "switches per round trip").verdict ==
        PredictionVerdict::kInconclusive);
  const Judgement one = PingPong{.two = false}.judge();
  check_readable(one);
  CHECK(the(one, "switches per round trip").verdict == PredictionVerdict::kShown);
  CHECK(the(one, "round trip across CPUs").reason == "needs 2 CPUs");
}

TEST_CASE("counters in one line cost at least as much as taking turns") {
  const Judgement judgement = FalseSharing{}.judge();
  check_readable(judgement);
  CHECK(the(judgement, "packed / padded").verdict == PredictionVerdict::kShown);
  CHECK(the(judgement, "packed / padded").measured == 4.0);
  CHECK(the(FalseSharing{.packed = 6}.judge(), "packed / padded").verdict ==
        PredictionVerdict::kRefuted);
}

TEST_CASE("false sharing is not judged where threads did not run together") {
  const Judgement apart = FalseSharing{.together = 20ms}.judge();
  CHECK(the(apart, "packed / padded").verdict == PredictionVerdict::kInconclusive);
  CHECK(the(apart, "packed / padded").reason.find("only 40") != std::string::npos);
  const Judgement one = FalseSharing{.second = cpu0}.judge();
  CHECK(the(one, "packed / padded").reason == "needs 2 CPUs, one for each thread");
  HostInfo siblings = two_cpu_host();
  siblings.topology = {{.cpu = cpu0, .core = 0, .package = 0},
                       {.cpu = cpu1, .core = 0, .package = 0}};
  CHECK(
      the(FalseSharing{.host = siblings}.judge(), "packed / padded").reason.find("share a core") !=
      std::string::npos);
}

TEST_CASE("these workloads without results are not judged") {
  check_without_facts(judge_oversubscribe, "oversubscribe");
  check_without_facts(judge_placement, "placement");
  check_without_facts(judge_ping_pong, "ping-pong");
  check_without_facts(judge_false_sharing, "false-sharing");
}

}  // namespace observe
