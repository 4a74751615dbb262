// How busy each CPU was, as a whole and over time.
#pragma once

#include <vector>

#include "analysis/timelines.h"

namespace observe {

struct CpuUse {
  Cpu cpu{};
  Nanos busy{};
  Nanos idle{};
  Nanos unknown{};
  Nanos targets{};  // the part of busy that observed threads ran
  std::uint64_t switches = 0;
  std::vector<double> utilisation;         // in equal parts of the window, 0..1
  std::vector<double> target_utilisation;  // the same, only the observed threads
};

// CPUs that have a timeline, by number; busy + idle + unknown = the window.
std::vector<CpuUse> cpu_use(const Facts& facts, std::size_t parts);

}  // namespace observe
