// How disturbed the window was: decides whether a prediction may be judged at all.
#pragma once

#include <string>
#include <vector>

#include "analysis/timelines.h"

namespace observe {

struct Noise {
  double foreign_share = 0;  // of the CPU time wanted by observed threads, taken by others
  std::string worst_foreigner;
  double steal_share = 0;    // of the window, over the CPUs the observed threads used
  double throttled_share = 0;
  std::uint64_t migrations = 0;  // of observed threads within the workload's phase
  std::uint64_t lost_events = 0;
  double calibration_error = 0;  // relative; 0 where the workload reports none

  // Why a prediction that needs quiet cannot be judged, in words; empty: quiet enough.
  std::vector<std::string> causes;
  bool quiet() const { return causes.empty(); }
};

Noise measure_noise(const Facts& facts);

}  // namespace observe
