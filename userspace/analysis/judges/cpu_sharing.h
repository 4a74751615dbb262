// What judges of computing threads share: the stretch in which all of them are in progress, and
// where the kernel's placement spoils a formula.
#pragma once

#include <string>
#include <vector>

#include "analysis/judges/prediction.h"
#include "analysis/judges/workload_run.h"

namespace observe {

struct Stretch {
  Time begin;
  Time end;
  Nanos length() const { return end - begin; }
};

// From the last one's beginning to the first one's end; empty (begin == end) when there is none.
Stretch common_stretch(const std::vector<Actor>& actors);

// Over all actors.
Nanos time_in(const Facts& facts, const std::vector<Actor>& actors, const Stretch& stretch,
              State state);

// How long CPUs that the actors ran on were idle.
Nanos idle_time(const Facts& facts, const std::vector<Cpu>& cpus, const Stretch& stretch);

// Scheduling options that the kernel was booted with, ", booted with sched_x"; else empty.
std::string boot_options_text(const HostInfo& host);

// Doubts a comparison for equality that does not hold, but might if it were known what the threads
// did in the time that is unknown: `unknown` is what that time may add, in the value's unit.
void doubt_unknown(Conditions& conditions, const Expected& expected, double unknown, Nanos time);

// Why the formulas for fair threads do not hold for these; nothing when they do.
std::optional<std::string> unfair_policy(const Facts& facts);

}  // namespace observe
