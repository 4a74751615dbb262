// Work that comes by the clock: arrivals at moments fixed beforehand, as at a network card or a
// shop's door, whether or not somebody is ready for them. The thread that serves them is woken by a
// timer; no second thread is needed to deliver them, and none can deliver them late.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "base/units.h"
#include "workloads/frame/stage.h"

namespace observe::workloads {

// Exponentially distributed with the given mean, from 64 uniform bits. At most 44 times the mean.
double exponential(std::uint64_t bits, double mean);

// Fair threads let the kernel fire their timers up to 50 us late, to save wake-ups
// (PR_SET_TIMERSLACK(2const)); from now on the calling thread does not.
void ask_for_exact_timers();

// Sleeps until `due`, which may be past. False: the run was stopped first.
bool sleep_until(const Worker& worker, Time due);

// CPU time that the calling thread needs to be woken by a timer for a request that is no work:
// system calls, switches, interrupts, clocks and markers. The mean of 64, measured before the run.
Nanos measure_wake_cost();

// How long two readings of the clock take, as lie between the marker of an operation's end and what
// the thread decides by its own reading; the mean of many, measured before the run.
Nanos measure_clock_cost();

// The longest part of --duration in which requests may come, so that those who came are served
// before all threads are told to stop.
Nanos arrival_period(Nanos duration);

// Refuses --threads where the number of threads follows from what is shown.
Result<void> check_fixed_threads(const Values& values, std::int64_t threads, std::string reason);

}  // namespace observe::workloads
