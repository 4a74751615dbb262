// The kernel's two readings of a thread's accounts, and what the events show in between.
#pragma once

#include <optional>
#include <vector>

#include "analysis/timelines.h"

namespace observe {

struct KernelReading {
  Time at;
  std::uint64_t nvcsw = 0;
  std::uint64_t nivcsw = 0;
  std::uint64_t run_ns = 0;
  std::optional<std::uint64_t> run_delay_ns;
  bool on_cpu = false;  // running as it was read: its run time lags by up to a tick
};

struct KernelAccounts {
  KernelReading begin;
  KernelReading end;
  std::uint64_t nvcsw() const { return end.nvcsw - begin.nvcsw; }
  std::uint64_t nivcsw() const { return end.nivcsw - begin.nivcsw; }
  std::uint64_t switches() const { return nvcsw() + nivcsw(); }
  std::uint64_t run_ns() const { return end.run_ns - begin.run_ns; }
  std::optional<std::uint64_t> run_delay_ns() const;
};

enum class Readings : std::uint8_t { kBoth, kTorn, kMissing };

// Both readings of a thread, when the kernel gave them whole.
struct ReadingResult {
  Readings status = Readings::kMissing;
  KernelAccounts accounts;  // kBoth only
};
ReadingResult kernel_readings(const ThreadInfo& info);

// What the switch records of one thread say about its counters.
struct CounterWalk {
  std::uint64_t between = 0;     // switch-outs whose counters lie between the readings
  std::uint64_t steps = 0;       // pairs of consecutive records
  std::uint64_t wrong_kind = 0;  // pairs that grew by one, but in the other counter
  std::uint64_t skipped = 0;     // switches missing between two consecutive records
  std::uint64_t repeated = 0;    // pairs of which the counters did not grow
};

// By ThreadRef. Threads that are not observed or lack readings keep an empty walk.
std::vector<CounterWalk> walk_counters(const Facts& facts);

// Time on a CPU between the two readings, by ThreadRef: from the switches themselves, because the
// readings lie just outside the window.
std::vector<Nanos> run_between_readings(const Facts& facts);

}  // namespace observe
