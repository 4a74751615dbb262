// From the end of a sleep to the CPU: how long woken threads took to run.
#pragma once

#include <cstdint>
#include <vector>

#include "analysis/timelines.h"

namespace observe {

// For every sleep of the thread that ended between `begin` and `end` and was followed by running
// there: from the waking to the switch-in.
std::vector<Nanos> wake_latencies(const ThreadTimeline& timeline, Time begin, Time end);

// How often the thread went to sleep between `begin` and `end`: by its switches alone, so that it
// holds also where events contradict each other and its states are not known.
std::uint64_t times_slept(const Facts& facts, ThreadRef thread, Time begin, Time end);

// How many sleeps of the thread ended between `begin` and `end`.
std::uint64_t times_woken(const ThreadTimeline& timeline, Time begin, Time end);

// How often between `begin` and `end` the recording does not say what the thread did. Each time may
// hide the end of a sleep.
std::uint64_t times_unknown(const ThreadTimeline& timeline, Time begin, Time end);

}  // namespace observe
