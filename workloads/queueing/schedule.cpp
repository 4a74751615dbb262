#include "workloads/queueing/schedule.h"

#include <sys/prctl.h>

#include <algorithm>
#include <cerrno>
#include <cmath>

#include <fmt/format.h>

#include "workloads/frame/clock.h"

namespace observe::workloads {
namespace {

void sleep_to(Time until) {
  const std::int64_t ns = to_ns(until);
  const timespec when{.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, nullptr) == EINTR) {
  }
}

}  // namespace

double exponential(std::uint64_t bits, double mean) {
  // 53 bits: a multiple of 2^-53 in [0, 1), whose complement is never zero.
  const double uniform = static_cast<double>(bits >> 11) * 0x1p-53;
  return -mean * std::log1p(-uniform);
}

void ask_for_exact_timers() { prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0); }

bool sleep_until(const Worker& worker, Time due) {
  // Who is asleep cannot see that the run was stopped.
  constexpr Nanos kPiece = std::chrono::milliseconds{50};
  while (!worker.stopping()) {
    const Time at = now();
    if (at >= due) return true;
    sleep_to(std::min(due, at + kPiece));
  }
  return false;
}

Nanos measure_wake_cost() {
  constexpr int kTurns = 64;
  constexpr Nanos kApart = std::chrono::microseconds{200};
  ask_for_exact_timers();
  const Nanos before = thread_cpu_time();
  for (int turn = 0; turn < kTurns; ++turn) {
    sleep_to(now() + kApart);
    // What a request costs beside its work: two readings of the CPU clock, and of the other one.
    for (int reading = 0; reading < 2; ++reading) {
      static_cast<void>(thread_cpu_time());
      static_cast<void>(now());
    }
  }
  return (thread_cpu_time() - before) / kTurns;
}

Nanos measure_clock_cost() {
  constexpr int kPairs = 1000;
  const Time before = now();
  for (int pair = 0; pair < kPairs; ++pair) {
    static_cast<void>(now());
    static_cast<void>(now());
  }
  return (now() - before) / kPairs;
}

Nanos arrival_period(Nanos duration) { return duration / 20 * 19; }

Result<void> check_fixed_threads(const Values& values, std::int64_t threads, std::string reason) {
  if (values.integer("threads") == threads) return {};
  return fail(usage_error("use --threads", std::move(reason), "drop it"));
}

}  // namespace observe::workloads
