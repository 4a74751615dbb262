// Runs of the workloads of "Concurrency and parallelism" as scripts.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "analysis/judges/judge.h"
#include "analysis/judges/prediction.h"
#include "story.h"

namespace observe {

inline HostInfo two_cpu_host() {
  return {
      .kernel = "6.12.0", .cpus_online = 2, .hz = 250, .scheduler = "EEVDF", .slice_ns = 1'400'000};
}

// The process of A, with those threads.
inline Script workload_script(const std::string& name, const std::vector<Tid>& threads) {
  Script script;
  script.run({.kind = RunKind::kWorkload, .name = name, .root_process = Pid{raw(A)}});
  script.host(two_cpu_host());
  script.capture({.complete = true});
  script.kernel_thread(E).name(E, "kworker/0:1").has(E, sleeping(kRead));
  for (const Tid tid : threads) script.process(tid, A);
  return script;
}

// All of one role, in their phase from 0 to `end`.
inline WorkloadInfo workload_info(const std::string& name, const std::string& role,
                                  const std::vector<Tid>& threads, Nanos end,
                                  std::map<std::string, Fact> truth) {
  WorkloadInfo info{.name = name,
                    .phase_begin = Time{},
                    .phase_end = Time{end},
                    .truth = std::move(truth),
                    .threads = {}};
  for (const Tid tid : threads) {
    info.threads.push_back(
        {.tid = tid, .role = role, .begin = Time{}, .end = Time{end}, .truth = {}});
  }
  return info;
}

// Threads take turns on cpu0 from 0 on; a kernel thread runs for `foreigner` after every turn.
// Returns when the last turn ends.
inline Nanos take_turns(Script& script, const std::vector<Tid>& threads, std::size_t turns,
                        Nanos turn, Nanos foreigner = {}) {
  for (std::size_t i = 0; i < threads.size(); ++i) {
    script.has(threads[i], i == 0 ? running(cpu0) : queued(cpu0));
  }
  Nanos at{};
  for (std::size_t i = 0; i < turns; ++i) {
    at += turn;
    if (i + 1 == turns) break;
    const Tid from = threads[i % threads.size()];
    const Tid to = threads[(i + 1) % threads.size()];
    script.at(at);
    if (foreigner > Nanos{0}) {
      script.wakes(E, on(cpu0)).switches(cpu0, from, E);
      at += foreigner;
      script.at(at).switches(cpu0, E, to, blocks(kRead).kernel());
    } else {
      script.switches(cpu0, from, to);
    }
  }
  script.at(at);
  return at;
}

inline Judgement judge_with(JudgeFunction judge, const Story& story) {
  return judge(story.facts(), measure_noise(story.facts()));
}

inline const report::Prediction& the(const Judgement& judgement, std::string_view name) {
  const auto* found = find_prediction(judgement.workload.predictions, name);
  CAPTURE(name);
  REQUIRE(found != nullptr);
  return *found;
}

inline void check_readable(const Judgement& judgement) {
  CHECK(judgement.workload.headline.size() <= 2);
  for (const std::string& line : judgement.workload.headline) CHECK(line.size() <= 76);
  REQUIRE_FALSE(judgement.findings.empty());
  CHECK(judgement.findings.front().claim.ends_with("."));
}

// Without its results a workload's judge claims nothing.
inline void check_without_facts(JudgeFunction judge, const std::string& name) {
  {
    Script script = workload_script(name, {A});
    script.has(A, running(cpu0)).at(5ms);
    const Story story(script);
    const Judgement judgement = judge_with(judge, story);
    CHECK(judgement.workload.predictions.empty());
    CHECK(judgement.findings.front().verdict == report::FindingVerdict::kCannotTell);
  }
  Script script = workload_script(name, {A});
  script.has(A, running(cpu0)).at(5ms);
  script.workload(workload_info(name, "x", {A}, 5ms, {}));
  const Story story(script);
  for (const auto& one : judge_with(judge, story).workload.predictions) {
    CHECK(one.verdict != report::PredictionVerdict::kShown);
    CHECK(one.verdict != report::PredictionVerdict::kRefuted);
  }
}

}  // namespace observe
