// Scripts of workloads that use locks.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "analysis/judges/judge.h"
#include "analysis/judges/prediction.h"
#include "story.h"

namespace observe {

inline constexpr std::uint16_t kWanted = raw(MarkerKind::kLockWanted);
inline constexpr std::uint16_t kAcquired = raw(MarkerKind::kLockAcquired);
inline constexpr std::uint16_t kReleased = raw(MarkerKind::kLockReleased);

struct LockCast {
  Tid tid;
  std::string role;
  std::map<std::string, Fact> truth = {};
};

// A run of that workload from 0 to `end`; lanes are positions in the cast.
inline void stage_locks(Script& script, const std::string& name, const std::vector<LockCast>& cast,
                        Nanos end, std::map<std::string, Fact> truth) {
  WorkloadInfo info{.name = name,
                    .phase_begin = Time{},
                    .phase_end = Time{end},
                    .truth = std::move(truth),
                    .threads = {}};
  for (const LockCast& one : cast) {
    script.process(one.tid, cast.front().tid);
    info.threads.push_back(
        {.tid = one.tid, .role = one.role, .begin = Time{}, .end = Time{end}, .truth = one.truth});
  }
  script.run(
      {.kind = RunKind::kWorkload, .name = name, .root_process = Pid{raw(cast.front().tid)}});
  script.workload(std::move(info));
  script.capture({.complete = true});
}

inline const report::Prediction& lock_prediction(const Judgement& judgement,
                                                 std::string_view name) {
  const report::Prediction* found = find_prediction(judgement.workload.predictions, name);
  if (found == nullptr) FAIL("no prediction " << name);
  return *found;
}

inline Noise disturbed_locks() {
  Noise noise;
  noise.causes = {"other threads took 40 % of the CPU time wanted, above all stress-ng"};
  return noise;
}

}  // namespace observe
