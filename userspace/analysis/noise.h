// How disturbed the window was: decides whether a prediction may be judged at all.
#pragma once

#include <string>
#include <vector>

#include "analysis/timelines.h"
#include "analysis/waiters.h"

namespace observe {

// Above these a prediction that assumes an undisturbed machine is not judged. They sit well below
// the tolerances of the predictions (a few percent), and well above what a quiet machine shows.
namespace noise_limits {
// A kernel thread here and there takes a few tenths of a percent; at 2 % of the CPU time wanted,
// shares and rotation periods are visibly off.
inline constexpr double kForeignShare = 0.02;
// Stolen time looks like running to the guest: it stretches slices without any event.
inline constexpr double kStealShare = 0.02;
// A quota stops whole groups for tens of milliseconds, so little of it shows already.
inline constexpr double kThrottledShare = 0.01;
// The work unit is calibrated before the run and checked after it.
inline constexpr double kCalibrationError = 0.05;
}  // namespace noise_limits

struct Noise {
  double foreign_share = 0;  // of the CPU time wanted by observed threads, taken by others
  // By name: threads of one name count together. With its process where ours have that name too.
  std::string worst_foreigner;
  Nanos worst_foreigner_time{};
  double observer_share = 0;  // the same for the observer's own threads: not foreign, but shown
  double steal_share = 0;     // of the window, over the CPUs the observed threads used
  double throttled_share = 0;
  std::uint64_t migrations = 0;  // of observed threads within the workload's phase
  std::uint64_t lost_events = 0;
  double calibration_error = 0;  // relative; 0 where the workload reports none

  // Why a prediction that needs quiet cannot be judged, in words; empty: quiet enough.
  std::vector<std::string> causes;
  bool quiet() const { return causes.empty(); }
};

// Looks at the workload's phase where there is one, else at the whole window. Time is taken from
// the observed threads when another thread runs on a CPU while one of them waits for it.
Noise measure_noise(const Facts& facts);
Noise measure_noise(const Facts& facts, const WaitStretches& waits);

}  // namespace observe
