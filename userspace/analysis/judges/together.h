// Threads that share one CPU, in the time when all of them are at work; and what of it nobody else
// disturbed.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "analysis/judges/fair_turn.h"
#include "analysis/judges/prediction.h"
#include "analysis/judges/workload_run.h"
#include "report/summary.h"

namespace observe {

struct Together {
  Time begin;
  Time end;
  std::vector<Conduct> conducts;  // by the position of the actor

  Nanos length() const { return end - begin; }
  Nanos ran(std::size_t actor) const { return conducts[actor].in(State::kRunning); }
  Nanos ran() const;
};

// From the moment when the last of them has begun to the moment when the first one ends; empty
// where these do not overlap.
Together together(const Facts& facts, const std::vector<const Actor*>& actors);
// The same from `begin` to `end`.
Together together(const Facts& facts, const std::vector<const Actor*>& actors, Time begin,
                  Time end);

// A thread's turn lasts whole ticks only where nothing else makes the kernel decide anew. A thread
// from outside that runs for a microsecond does: the turn ends early, and the next one begins in
// the midst of a tick. So that formulas in whole ticks are compared with what they speak of, these
// keep what lies between two switches from one of the actors to another, without an outsider in it.
std::vector<Wait> undisturbed_waits(const Facts& facts, const std::vector<const Actor*>& actors,
                                    const std::vector<Wait>& waits);
std::vector<RunSlice> undisturbed_slices(const Facts& facts,
                                         const std::vector<const Actor*>& actors,
                                         const std::vector<RunSlice>& slices);

// At least `enough` undisturbed ones of them all are needed; says so where others left too few.
Conditions undisturbed_conditions(std::size_t undisturbed, std::size_t all, std::uint64_t enough,
                                  std::string_view what);

// What the kernel grants this thread, where it tells.
std::optional<Nanos> granted_slice(const Actor& actor);
// The scheduler is the kernel's own fair class, with a known tick and slice: the turn of `runnable`
// threads of equal weight that have the slice of `like`.
std::optional<FairTurn> turn_of(const Facts& facts, std::size_t runnable, const Actor& like);

// " Not shown: NAME: REASON." for the first prediction that is not; else nothing.
std::string not_shown(const std::vector<report::Prediction>& predictions);

double milliseconds(Nanos time);
Nanos from_milliseconds(double value);
std::vector<double> in_milliseconds(const std::vector<Wait>& waits);

}  // namespace observe
