// The judge of slow devices and the ways of waiting for them.
#include "server_story.h"

namespace observe {
namespace {

using report::FindingVerdict;
using report::PredictionVerdict;

// Two devices that answer after 1 ms, 100 us of work for each answer, five rounds; 10 us of
// overhead for a request.
struct DevicesRun {
  std::string how = "all";
  Nanos more_time{0};        // that the books have for blocking and epoll
  int sleepless = 0;         // requests without a sleep, in the blocking way
  std::int64_t at_once = 0;  // that the books tell
  std::int64_t requests = 10;
  bool with_uring = true;

  Judgement judged() const {
    Script script;
    script.run({.kind = RunKind::kWorkload,
                .name = "sync-async-io",
                .parameters = {{"how", how}},
                .root_process = Pid{raw(A)}});
    script.has(A, running(cpu0));
    Nanos at{};
    const auto part = [&](std::uint64_t way, int sleeps, Nanos apart) {
      script.at(at).marks(0, 2, way);
      for (int i = 0; i < sleeps; ++i) {
        script.at(at + 1us).switches(cpu0, A, idle, blocks(kRead));
        at += apart;
        script.at(at).wakes(A, on(cpu0)).switches(cpu0, idle, A);
        at += 100us;
      }
      script.at(at).marks(0, 2, 4);
    };
    std::map<std::string, Fact> truth{{"devices", std::int64_t{2}},
                                      {"rounds", std::int64_t{5}},
                                      {"latency_ns", std::int64_t{1'000'000}},
                                      {"work_ns", std::int64_t{100'000}},
                                      {"cpus", std::int64_t{1}},
                                      {"overhead_ns", std::int64_t{10'000}},
                                      {"overhead_cpu_ns", std::int64_t{5'000}}};
    const auto book = [&](const std::string& way, Nanos time) {
      truth[way + "_ns"] = to_ns(time);
      truth[way + "_requests"] = requests;
      truth[way + "_at_once"] = at_once;
    };
    if (how == "all" || how == "blocking") {
      part(0, 10 - sleepless, 1010us);
      book("blocking", 11'100us + more_time);  // 2 * 5 * (1000 + 10 + 100)
    }
    if (how == "all" || how == "epoll") {
      part(2, 7, 700us);
      book("epoll", 5'650us + more_time);  // 5 * 1110 + 100
    }
    if ((how == "all" || how == "io_uring") && with_uring) {
      part(3, 7, 700us);
      book("io_uring", 5'650us);
    }
    if (!with_uring) truth["io_uring_missing"] = std::string("Operation not permitted");
    const Nanos end = at + 1ms;
    script.at(end).workload(
        {.name = "sync-async-io",
         .phase_begin = Time{},
         .phase_end = Time{end},
         .truth = std::move(truth),
         .threads = {
             {.tid = A, .role = "caller", .begin = Time{}, .end = Time{end}, .truth = {}}}});
    const Story story(script);
    return judge_sync_async_io(story.facts(), measure_noise(story.facts()));
  }
};

PredictionVerdict verdict(const DevicesRun& run, const char* name) {
  return prediction_named(run.judged(), name).verdict;
}

}  // namespace

TEST_CASE("blocking adds all latencies up, and one thread that waits for all does not") {
  const Judgement judgement = DevicesRun{}.judged();
  CHECK(prediction_named(judgement, "time, blocking").predicted == 11.1);
  CHECK(prediction_named(judgement, "time, epoll").predicted == 5.65);
  CHECK(prediction_named(judgement, "time, io_uring").predicted == 5.65);
  for (const char* shown : {"time, blocking", "time, epoll", "time, io_uring",
                            "sleeps per request, blocking", "sleeps per request, epoll"}) {
    CAPTURE(shown);
    CHECK(prediction_named(judgement, shown).verdict == PredictionVerdict::kShown);
  }
  CHECK(judgement.findings.front().claim ==
        "One thread that waited for all 2 devices at once took 5.65 ms, one after the other 11.1 "
        "ms: 2.0 times as long.");
  for (const std::string& line : judgement.workload.headline) CHECK(line.size() <= 76);
}

TEST_CASE("devices that took longer than the formula and its overhead refute it") {
  // At most 15 us more for each of ten requests, one after the other.
  CHECK(verdict({.more_time = 140us}, "time, blocking") == PredictionVerdict::kShown);
  CHECK(verdict({.more_time = 160us}, "time, blocking") == PredictionVerdict::kRefuted);
  CHECK(verdict({.more_time = 160us}, "time, epoll") == PredictionVerdict::kRefuted);
}

TEST_CASE("a request without a sleep refutes one sleep each, unless it was due at once") {
  const char* const sleeps = "sleeps per request, blocking";
  CHECK(verdict({.sleepless = 1}, sleeps) == PredictionVerdict::kRefuted);
  CHECK(verdict({.sleepless = 1, .at_once = 1}, sleeps) == PredictionVerdict::kShown);
}

TEST_CASE("a kernel without io_uring, or a run that was cut short, gives no verdict") {
  const Judgement without = DevicesRun{.with_uring = false}.judged();
  CHECK(prediction_named(without, "time, io_uring").verdict == PredictionVerdict::kCannotTell);
  CHECK(prediction_named(without, "time, io_uring").reason ==
        "io_uring is not available here: Operation not permitted");
  CHECK(verdict({.requests = 9}, "time, blocking") == PredictionVerdict::kInconclusive);
  const Judgement none = DevicesRun{.how = "io_uring", .with_uring = false}.judged();
  CHECK(none.workload.predictions.size() == 1);
  CHECK(none.findings.front().verdict == FindingVerdict::kCannotTell);
}

TEST_CASE("devices whose books make no sense are not judged") {
  ServerStory story;
  const Judgement judgement =
      story.judged(judge_sync_async_io, "caller", {{"devices", std::int64_t{-1}}, {"rounds", 0.0}});
  CHECK(judgement.workload.predictions.empty());
}

}  // namespace observe
