// Workloads that do the same work alone and shared out, round by round (fork-join, amdahl,
// barrier-stragglers): what they measured themselves, and what the kernel's events say of it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/judges/phases.h"
#include "analysis/judges/prediction.h"
#include "analysis/judges/workload_run.h"

namespace observe {

struct RoundsRun {
  WorkloadRun run;
  std::uint64_t rounds = 0;
  double alone_ns = 0;  // wall time of all rounds
  double start_ns = 0;  // of starting and collecting the threads without any work
  double shared_ns = 0;
  // Relative: the CPU time of the serial part and the longest share, against the same work alone.
  double cpu_growth = 0;
  double serial_ns = 0;  // of one round
  std::vector<double>
      cpu_shares_ns;  // of one round, what each CPU has to do beside the serial part
  std::size_t cpus = 0;
  bool pinned = false;
  bool one_cpu_asked = false;
  std::vector<PhaseSpan> alone;
  std::vector<PhaseSpan> shared;
  double running_ns = 0;     // of all threads, in all phases
  Nanos unknown{};           // of all threads, while the work is shared out
  double at_work_alone = 0;  // CPUs, by the kernel's events
  double at_work_shared = 0;

  double work_ns() const;      // of one round
  double critical_ns() const;  // of one round: the serial part and the longest share
  std::optional<double> measured_speed_up() const;
};

std::optional<RoundsRun> read_rounds(const Facts& facts);

// By what part of itself the time shared out may differ from the formula: what others, the observer
// and the hypervisor took, all of it then and from the CPU that finishes last; how far that CPU's
// own time for the work differs; and what starting and collecting threads takes. All are measured
// in this run.
double rounds_slack(const RoundsRun& run, const Noise& noise);

Conditions rounds_conditions(const RoundsRun& run);

// "speed-up" and "CPUs at work": both are work / (serial part + longest share).
std::vector<report::Prediction> predict_rounds(const RoundsRun& run, const Noise& noise,
                                               const std::string& formula);

// The verdict in a sentence, with its evidence.
report::Finding rounds_finding(const RoundsRun& run,
                               const std::vector<report::Prediction>& predictions, std::string id);
std::vector<std::string> rounds_headline(const RoundsRun& run,
                                         const std::vector<report::Prediction>& predictions);

}  // namespace observe
