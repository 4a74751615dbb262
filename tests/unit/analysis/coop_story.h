// Cooperative tasks as scripts: one thread, A, that carries them, and what the kernel did to it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "analysis/judges/judge.h"
#include "analysis/judges/prediction.h"
#include "story.h"

namespace observe {

inline constexpr auto kTaskSwitch = static_cast<std::uint16_t>(MarkerKind::kTaskSwitch);

inline std::uint64_t left(std::uint64_t task, TaskLeft how = TaskLeft::kReady) {
  return task | std::uint64_t{static_cast<std::uint8_t>(how)} << kTaskLeftBits;
}

// The text of a run's one thread or of several, all of one process.
inline WorkloadInfo coop_info(std::string name, Nanos end, std::map<std::string, Fact> truth,
                              const std::vector<std::pair<Tid, std::string>>& threads) {
  WorkloadInfo info{.name = std::move(name),
                    .phase_begin = Time{},
                    .phase_end = Time{end},
                    .truth = std::move(truth),
                    .threads = {}};
  for (const auto& [tid, role] : threads) {
    info.threads.push_back(
        {.tid = tid, .role = role, .begin = Time{}, .end = Time{end}, .truth = {}});
  }
  return info;
}

inline HostInfo eevdf_host() {
  return {.kernel = "6.18.44",
          .cpus_online = 2,
          .hz = 250,
          .scheduler = "EEVDF",
          .slice_ns = 1'400'000};
}

// Tasks in a circle on A; task 0 computes for `hog` where that is more than nothing.
struct Circle {
  std::uint32_t tasks = 4;
  Nanos unit = 100us;
  Nanos hog{0};
  std::uint32_t rounds = 30;

  Nanos turn_of(std::uint32_t task) const { return task == 0 && hog > Nanos{0} ? hog : unit; }

  // Returns the moment of the last switch.
  Nanos tell(Script& script, Nanos at = Nanos{0}) const {
    std::uint64_t from = kNoTask;
    for (std::uint32_t round = 0; round < rounds; ++round) {
      for (std::uint32_t task = 0; task < tasks; ++task) {
        script.at(at).marks(0, kTaskSwitch, task, left(from));
        from = task;
        at += turn_of(task);
      }
    }
    script.at(at).marks(0, kTaskSwitch, kNoTask, left(from, TaskLeft::kFinished));
    return at;
  }
};

inline report::Prediction prediction_of(const Judgement& judgement, std::string_view name) {
  const auto* found = find_prediction(judgement.workload.predictions, name);
  if (found == nullptr) FAIL("no prediction " << name);
  return *found;
}

inline Judgement judged(JudgeFunction judge, const Story& story) {
  return judge(story.facts(), measure_noise(story.facts()));
}

}  // namespace observe
