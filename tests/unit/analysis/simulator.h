// A little machine that schedules threads at random and tells both what the kernel's probes would
// have recorded and what really happened, so that timelines can be compared with the truth.
#pragma once

#include <map>
#include <random>
#include <vector>

#include "analysis/timelines.h"
#include "trace/builder.h"
#include "trace/trace.h"

namespace observe {

struct SimulatorOptions {
  std::uint32_t seed = 1;
  std::uint32_t threads = 6;
  std::uint16_t cpus = 3;
  std::uint32_t steps = 400;         // within the window; a tenth of it before and between
  double loss = 0;                   // chance that a run of records of one CPU is lost
  std::int64_t longest_step = 5000;  // ns
  bool lifecycle = true;             // threads fork and exit
};

struct TrueInterval {
  Time begin;
  Time end;
  State state = State::kUnknown;
  WaitCause cause = WaitCause::kUnknown;
  Cpu cpu{};
  bool operator==(const TrueInterval&) const = default;
};

struct Simulation {
  Trace trace;
  std::map<Tid, std::vector<TrueInterval>> truth;  // whole lives, clipped to the window
};

Simulation simulate(const SimulatorOptions& options);

}  // namespace observe
