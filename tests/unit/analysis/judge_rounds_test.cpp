// fork-join, amdahl and barrier-stragglers: the same work alone and shared out.
#include "concurrency_story.h"

namespace observe {
namespace {

using report::FindingVerdict;
using report::PredictionVerdict;

// A leads on cpu0, B follows on cpu1. All times are of one round.
struct Rounds {
  std::string name = "fork-join";
  std::size_t rounds = 5;
  Nanos serial{};
  Nanos share_a = 10ms;
  Nanos share_b = 10ms;
  Nanos late{};       // that B begins its share after A
  Nanos foreigner{};  // a kernel thread holds B up for that long
  double cpu_growth = 1;
  bool pinned = true;
  std::int64_t cpus = 2;

  static constexpr Nanos kStart = 100us;

  Judgement judge(JudgeFunction function) const {
    Script script = workload_script(name, {A, B});
    script.has(A, running(cpu0)).has(B, sleeping(kFutex, cpu1));
    Nanos at{};
    Nanos alone{};
    Nanos shared{};
    const auto phase = [&](std::uint64_t number) {
      script.at(at).marks(0, raw(MarkerKind::kPhase), number);
    };
    for (std::uint64_t round = 0; round < rounds; ++round) {
      phase(3 * round);
      alone += serial + share_a + share_b;
      at += serial + share_a + share_b;
      phase(3 * round + 1);
      at += kStart;
      phase(3 * round + 2);
      const Nanos begin = at;
      at += serial + late;
      script.at(at).wakes(B, on(cpu1).by(A));
      if (foreigner > Nanos{0}) {
        script.wakes(E, on(cpu1)).switches(cpu1, idle, E);
        script.at(at + foreigner).switches(cpu1, E, B, blocks(kRead).kernel());
      } else {
        script.switches(cpu1, idle, B);
      }
      const Nanos a_ends = at - late + share_a;
      const Nanos b_ends = at + foreigner + share_b;
      const Nanos end = std::max(a_ends, b_ends);
      if (a_ends < end) {
        script.at(a_ends).switches(cpu0, A, idle, blocks(kFutex));
        script.at(end).wakes(A, on(cpu0).by(B)).switches(cpu0, idle, A);
        script.switches(cpu1, B, idle, blocks(kFutex));
      } else {
        script.at(b_ends).switches(cpu1, B, idle, blocks(kFutex));
      }
      at = end;
      shared += end - begin;
    }
    script.at(at + 1us);
    const auto work =
        static_cast<double>(rounds) * static_cast<double>(to_ns(serial + share_a + share_b));
    const Nanos longest = cpus > 1 ? std::max(share_a, share_b) : share_a + share_b;
    const auto critical =
        static_cast<double>(rounds) * static_cast<double>(to_ns(serial + longest));
    WorkloadInfo info =
        workload_info(name, "worker", {A, B}, at,
                      {{"rounds", static_cast<std::int64_t>(rounds)},
                       {"alone_ns", to_ns(alone)},
                       {"start_ns", to_ns(kStart) * static_cast<std::int64_t>(rounds)},
                       {"shared_ns", to_ns(shared)},
                       {"alone_cpu_ns", work},
                       {"critical_cpu_ns", critical * cpu_growth},
                       {"serial_ns", to_ns(serial)},
                       {"pinned", pinned},
                       {"one_cpu_asked", false},
                       {"cpus_used", cpus}});
    info.threads[0].truth["share_ns"] = to_ns(share_a);
    info.threads[1].truth["share_ns"] = to_ns(share_b);
    script.workload(std::move(info));
    const Story story(script);
    return judge_with(function, story);
  }
};

}  // namespace

TEST_CASE("two equal pieces on two CPUs are done twice as fast") {
  const Judgement judgement = Rounds{}.judge(judge_fork_join);
  check_readable(judgement);
  CHECK(the(judgement, "speed-up").predicted == 2.0);
  CHECK(*the(judgement, "speed-up").measured == Approx(2.0));
  CHECK(the(judgement, "speed-up").tolerance < 0.03);
  CHECK(the(judgement, "speed-up").verdict == PredictionVerdict::kShown);
  CHECK(*the(judgement, "CPUs at work").measured == Approx(2.0));
  CHECK(judgement.findings.front().verdict == FindingVerdict::kShown);
}

TEST_CASE("pieces that are not done at the same time refute the speed-up") {
  const Judgement judgement = Rounds{.late = 5ms}.judge(judge_fork_join);
  CHECK(*the(judgement, "speed-up").measured == Approx(20.0 / 15));
  CHECK(the(judgement, "speed-up").verdict == PredictionVerdict::kRefuted);
  CHECK(the(judgement, "CPUs at work").verdict == PredictionVerdict::kRefuted);
  CHECK(judgement.findings.front().verdict == FindingVerdict::kCannotTell);
}

TEST_CASE("a serial part limits the speed-up as Amdahl says") {
  const Judgement judgement = Rounds{.name = "amdahl", .serial = 10ms}.judge(judge_amdahl);
  check_readable(judgement);
  CHECK(*the(judgement, "speed-up").predicted == Approx(1.5));
  CHECK(the(judgement, "speed-up").verdict == PredictionVerdict::kShown);
  CHECK(*the(judgement, "CPUs at work").measured == Approx(1.5));
  CHECK(the(judgement, "CPUs at work").verdict == PredictionVerdict::kShown);
  CHECK(judgement.findings.front().evidence.back().find("more than 3.00 times") !=
        std::string::npos);
}

TEST_CASE("at a barrier all wait for the slowest") {
  const Rounds skewed{.name = "barrier-stragglers", .share_b = 15ms};
  const Judgement judgement = skewed.judge(judge_barrier_stragglers);
  check_readable(judgement);
  CHECK(*the(judgement, "speed-up").predicted == Approx(25.0 / 15));
  CHECK(the(judgement, "speed-up").verdict == PredictionVerdict::kShown);
  CHECK(*the(judgement, "waiting at the barrier").predicted == Approx(5.0 / 30));
  CHECK(*the(judgement, "waiting at the barrier").measured == Approx(5.0 / 30).margin(1e-3));
  CHECK(the(judgement, "waiting at the barrier").verdict == PredictionVerdict::kShown);

  // Half of the time asleep at a barrier of equal shares is not what the formula says.
  const Rounds late{.name = "barrier-stragglers", .late = 10ms};
  CHECK(the(late.judge(judge_barrier_stragglers), "waiting at the barrier").verdict ==
        PredictionVerdict::kRefuted);
}

TEST_CASE("a round that others disturb, or whose work grows, is not judged") {
  const Judgement disturbed = Rounds{.foreigner = 3ms}.judge(judge_fork_join);
  CHECK(the(disturbed, "speed-up").verdict == PredictionVerdict::kInconclusive);
  CHECK(the(disturbed, "speed-up").reason.find("kworker") != std::string::npos);
  const Judgement grown = Rounds{.cpu_growth = 1.3}.judge(judge_fork_join);
  CHECK(the(grown, "speed-up").verdict == PredictionVerdict::kInconclusive);
  CHECK(the(grown, "speed-up").reason.find("took 30") != std::string::npos);
  const Judgement short_work = Rounds{.share_a = 500us, .share_b = 500us}.judge(judge_fork_join);
  CHECK(the(short_work, "speed-up").verdict == PredictionVerdict::kInconclusive);
  CHECK(the(short_work, "speed-up").reason.find("too short") != std::string::npos);
  CHECK(the(Rounds{.rounds = 2}.judge(judge_fork_join), "speed-up").verdict ==
        PredictionVerdict::kInconclusive);
}

TEST_CASE("one CPU, and threads that the kernel places, cannot be told") {
  const Judgement one = Rounds{.cpus = 1}.judge(judge_fork_join);
  CHECK(the(one, "speed-up").verdict == PredictionVerdict::kCannotTell);
  CHECK(the(one, "speed-up").reason == "needs 2 CPUs");
  CHECK(the(one, "speed-up").predicted == 1.0);
  const Judgement free = Rounds{.pinned = false}.judge(judge_amdahl);
  CHECK(the(free, "speed-up").verdict == PredictionVerdict::kCannotTell);
  CHECK(the(Rounds{.cpus = 1}.judge(judge_barrier_stragglers), "waiting at the barrier").verdict ==
        PredictionVerdict::kCannotTell);
}

TEST_CASE("rounds without results, or with senseless ones, are not judged") {
  check_without_facts(judge_fork_join, "fork-join");
  check_without_facts(judge_amdahl, "amdahl");
  check_without_facts(judge_barrier_stragglers, "barrier-stragglers");
  CHECK(Rounds{.cpus = 3}.judge(judge_fork_join).workload.predictions.empty());
  CHECK(Rounds{.cpus = 0}.judge(judge_fork_join).workload.predictions.empty());
  CHECK(Rounds{.share_a = -10ms, .share_b = 25ms}
            .judge(judge_fork_join)
            .workload.predictions.empty());
}

}  // namespace observe
