// The ways to add one to a counter that threads share.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "workloads/counter/locks.h"
#include "workloads/counter/racy.h"
#include "workloads/frame/stage.h"

namespace observe::workloads {

// What the threads share; one kind uses one part of it.
struct CounterState {
  explicit CounterState(std::size_t threads);
  void reset();
  std::uint64_t observed(std::string_view kind) const;

  alignas(64) std::uint64_t tagged = 0;
  alignas(64) std::uint64_t plain = 0;  // also what the locks protect
  alignas(64) std::atomic<std::uint64_t> atomic{0};
  alignas(64) std::mutex mutex;
  SpinLock spin;
  TicketLock ticket;
  FifoFutexLock fifo_futex;
  struct alignas(64) Padded {
    std::atomic<std::uint64_t> value{0};
  };
  std::vector<Padded> sharded;
  std::vector<std::atomic<std::uint64_t>> packed;
  std::vector<CpuCounter> by_cpu;
};

struct CounterLoop {
  std::uint64_t window = 0;
  std::uint64_t gap = 0;
  bool jitter = false;
  bool mark_all = false;  // mark every stale store, and not a sample
  // Increments between two looks at the stop flag: about a millisecond's worth, 1024 at most.
  std::uint64_t batch() const;
};

// Stale stores by what they threw away: the count overwritten less the count loaded.
enum class Thrown : std::uint8_t { kNothingOrLess, kOne, kBelow1000, kMore };

// One thread's books.
struct CounterTally {
  std::int64_t operations = 0;
  std::int64_t ledger = 0;  // Σ (overwritten - loaded)
  std::int64_t stale = 0;
  std::int64_t marked = 0;
  std::array<std::int64_t, 4> thrown{};  // by Thrown
  std::int64_t restarts = 0;
};

struct CounterKind {
  std::string_view name;
  void (*run)(Worker&, CounterState&, const CounterLoop&, CounterTally&);
  bool has_window = false;  // load and store are apart: --window has a meaning
  std::optional<RacyWindow> (*window)() = nullptr;  // published instruction addresses
};

std::span<const CounterKind> counter_kinds();
const CounterKind& counter_kind(std::string_view name);

}  // namespace observe::workloads
