// A part of a workload's run: the same threads doing the same work in one of several ways.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "analysis/judges/workload_run.h"

namespace observe {

struct PartRun {
  Time begin;
  Time end;
  std::uint64_t operations = 0;
  std::vector<Conduct> conduct;  // of the actors, in their order

  Nanos length() const { return end - begin; }
  std::uint64_t switches_by(SwitchCause cause) const;
  Nanos in(State state) const;
  double per_second(double count) const;
};

// From the facts "<name>_begin_ns", "<name>_end_ns" and "<name>_ops". Nothing where the part did
// not take place, or the facts make no sense.
std::optional<PartRun> read_part(const Facts& facts, const WorkloadRun& run, std::string_view name);

}  // namespace observe
