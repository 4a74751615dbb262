// The phases of a workload, from its markers, and what threads did within them.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "analysis/judges/workload_run.h"

namespace observe {

struct PhaseSpan {
  std::uint64_t number = 0;
  Time begin;
  Time end;

  Nanos length() const { return end - begin; }
};

// The phases that this thread marked, one after the other: each lasts until the next one, the last
// one until the thread's end.
std::vector<PhaseSpan> phases_of(const Facts& facts, const Actor& actor);

// Those whose number is `rest` modulo `period`.
std::vector<PhaseSpan> every(const std::vector<PhaseSpan>& phases, std::uint64_t period,
                             std::uint64_t rest);

Nanos length_of(const std::vector<PhaseSpan>& phases);

// The time that the thread spent in a state within these phases, which are in time order and do
// not overlap. With a reason: blocked for that (block_reason()).
Nanos time_in(const Facts& facts, const Actor& actor, const std::vector<PhaseSpan>& phases,
              State state, std::string_view reason = {});

}  // namespace observe
