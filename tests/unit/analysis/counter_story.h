// Runs of the contended counter as scripts: what the threads count follows from the story itself.
#pragma once

#include <array>
#include <functional>
#include <vector>

#include "analysis/judges/judge.h"
#include "analysis/judges/prediction.h"
#include "story.h"

namespace observe {

// Load at 0x1000; [0x1003, 0x1010) is between load and store.
inline constexpr CodeWindow kWindow{.load = 0x1000, .begin = 0x1003, .end = 0x1010};
inline constexpr std::uint64_t kInside = 0x1008;
inline constexpr std::uint64_t kOutside = 0x1020;

inline std::uint64_t word(std::uint64_t count, unsigned writer) {
  return count << kLostUpdateTagBits | writer;
}

inline std::map<std::string, Fact> counter_truth(std::int64_t expected, std::int64_t observed,
                                                 const std::string& lock = "none") {
  return {{"lock", lock},
          {"expected", expected},
          {"observed", observed},
          {"lost", expected - observed},
          {"cpu_ns_per_op", 17.0},
          {"ns_per_op", 17.5},
          {"window", std::int64_t{0}},
          {"gap", std::int64_t{0}},
          {"none_cpu_ns_per_op", 5.0},
          {"none_error", 0.02},
          {"unlocked_cpu_ns_per_op", 0.5},
          {"unlocked_error", 0.01},
          {"rmw_load", std::int64_t{0x1000}},
          {"rmw_begin", std::int64_t{0x1003}},
          {"rmw_store", std::int64_t{0x100d}},
          {"rmw_end", std::int64_t{0x1010}}};
}

inline WorkloadInfo counter_info(std::vector<Tid> tids, Nanos end,
                                 std::map<std::string, Fact> truth) {
  WorkloadInfo info{.name = "contended-counter",
                    .phase_begin = Time{},
                    .phase_end = Time{end},
                    .truth = std::move(truth),
                    .threads = {}};
  for (const Tid tid : tids) {
    info.threads.push_back(
        {.tid = tid, .role = "counter", .begin = Time{}, .end = Time{end}, .truth = {}});
  }
  return info;
}

// Threads take turns on one CPU; each turn adds 1000 to the count, and `inside(turn)` says whether
// it ends between load and store. A thread that comes back stale stores its old count plus one.
struct Rotation {
  std::size_t threads = 2;
  std::size_t turns = 0;
  std::function<bool(std::size_t)> inside;
  std::size_t unmarked = 0;  // that many stale stores leave no marker
  Nanos foreigner{0};        // a kernel thread runs that long after every turn

  static constexpr Nanos kTurn = 4ms;
  static constexpr std::uint64_t kPerTurn = 1000;
  static constexpr std::array<Tid, 4> kTids = {A, B, C, D};

  // Filled by tell().
  std::int64_t expected = 0;
  std::int64_t observed = 0;
  std::int64_t stale = 0;
  std::int64_t thrown_away = 0;

  Script tell() {
    Script script;
    script.kernel_thread(E).name(E, "kworker/0:1").has(E, sleeping(kRead));
    script.run(
        {.kind = RunKind::kWorkload, .name = "contended-counter", .root_process = Pid{raw(A)}});
    for (std::size_t i = 0; i < threads; ++i) {
      script.process(kTids[i], A).has(kTids[i], i == 0 ? running(cpu0) : queued(cpu0));
    }
    std::uint64_t count = 0;
    std::vector<std::optional<std::uint64_t>> loaded(threads);
    Nanos at{0};
    std::size_t skipped = 0;
    for (std::size_t turn = 0; turn < turns; ++turn) {
      const std::size_t thread = turn % threads;
      if (loaded[thread]) {
        if (skipped++ >= unmarked) {
          script.at(at + 1us).marks(static_cast<std::uint16_t>(thread), 1,
                                    word(*loaded[thread], unsigned(thread + 1)), word(count, 99));
        }
        ++stale;
        thrown_away +=
            static_cast<std::int64_t>(count) - static_cast<std::int64_t>(*loaded[thread]);
        count = *loaded[thread];
      }
      count += kPerTurn;
      expected += kPerTurn;
      const bool hit = inside(turn);
      loaded[thread] = hit ? std::optional(count) : std::nullopt;
      at += kTurn;
      const Tid next = kTids[(turn + 1) % threads];
      script.at(at);
      const Leaves leaves = preempted().ip(hit ? kInside : kOutside);
      if (turn + 1 == turns) break;
      if (foreigner > Nanos{0}) {
        script.wakes(E, on(cpu0)).switches(cpu0, kTids[thread], E, leaves);
        at += foreigner;
        script.at(at).switches(cpu0, E, next, blocks(kRead).kernel());
      } else {
        script.switches(cpu0, kTids[thread], next, leaves);
      }
    }
    observed = static_cast<std::int64_t>(count);
    auto truth = counter_truth(expected, observed);
    truth["ledger_sum"] = thrown_away;
    truth["stale_stores"] = stale;
    script.workload(counter_info({kTids.begin(), kTids.begin() + static_cast<long>(threads)}, at,
                                 std::move(truth)));
    script.capture({.complete = true});
    return script;
  }
};

inline Judgement judge(const Story& story) {
  return judge_contended_counter(story.facts(), measure_noise(story.facts()));
}

inline const report::Prediction& prediction(const Judgement& judgement, std::string_view name) {
  for (const auto& one : judgement.workload.predictions) {
    if (one.name == name) return one;
  }
  FAIL("no prediction " << name);
  return judgement.workload.predictions.front();
}

}  // namespace observe
