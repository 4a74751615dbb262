// The predictions about the contended counter, each from its formula.
#pragma once

#include <vector>

#include "analysis/judges/counter_run.h"
#include "analysis/judges/lost_updates.h"
#include "analysis/noise.h"
#include "report/summary.h"

namespace observe {

// The share of increments that N threads on one CPU lose when p is the share of preemptions that
// fall between load and store. A slice that follows a clean one adds K to the counter; one whose
// thread comes back with a stale value falls back to where that thread stopped, N slices ago, and
// adds K. With c(i) the counter after slice i, and X(i) = 1 with probability p for a stale start:
//   c(i) = (X(i) ? c(i-N) : c(i-1)) + K,  hence  E[c(i) - c(i-1)] = K / (1 + p(N-1)).
double predicted_lost_share(double p, std::size_t threads);

// Three standard errors of that prediction when p was counted over n preemptions, plus the first
// and last slice of each thread (N of n), which are no part of the rotation. The standard error is
// the binomial one of p, (N-1) / (1 + p(N-1))^2 times as large.
double lost_share_tolerance(double p, std::size_t threads, std::uint64_t preemptions);

// A wider tolerance than this share of all increments would let nearly everything pass.
inline constexpr double kWidestShareTolerance = 0.1;
// From this many preemptions on it is not wider, and p is more than an anecdote. More threads need
// more of them: one rotation is as many slices as there are threads.
std::uint64_t enough_preemptions(double p, std::size_t threads);

// `updates` where the run was on one CPU and its window is known.
std::vector<report::Prediction> predict_counter(const CounterRun& run, const LostUpdates* updates,
                                                const Noise& noise);

}  // namespace observe
