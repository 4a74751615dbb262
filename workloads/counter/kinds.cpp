#include "workloads/counter/kinds.h"

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "workloads/frame/work_unit.h"

namespace observe::workloads {
namespace {

// Calls batch(turns) until there is enough; it returns how many increments it did, at least one
// unless it had to start over.
template <class Batch>
void repeat(Worker& worker, const CounterLoop& loop, CounterTally& tally, Batch&& batch) {
  const std::int64_t wanted =
      worker.operations().value_or(std::numeric_limits<std::int64_t>::max());
  const std::uint64_t most = loop.jitter ? 1 : loop.batch();
  while (tally.operations < wanted && !worker.stopping()) {
    const auto left = static_cast<std::uint64_t>(wanted - tally.operations);
    Turns turns{.count = std::min(most, left), .window = loop.window, .gap = loop.gap};
    // Uniform in [0, 2 gap]: the same mean.
    if (loop.jitter) turns.gap = worker.random() % (2 * loop.gap + 1);
    tally.operations += static_cast<std::int64_t>(batch(turns));
  }
}

// An increment in C++, `turns.count` times.
template <class Increment>
auto each(Increment increment) {
  return [increment](const Turns& turns) {
    for (std::uint64_t i = 0; i < turns.count; ++i) {
      if (turns.gap != 0) spin_iterations(turns.gap);
      increment(turns.window);
    }
    return turns.count;
  };
}

void note_stale(Worker& worker, const CounterLoop& loop, const Overwrite& last,
                CounterTally& tally) {
  const auto difference = static_cast<std::int64_t>(last.overwritten >> kLostUpdateTagBits) -
                          static_cast<std::int64_t>(last.loaded >> kLostUpdateTagBits);
  tally.ledger += difference;
  ++tally.stale;
  const Thrown thrown = difference <= 0     ? Thrown::kNothingOrLess
                        : difference == 1   ? Thrown::kOne
                        : difference < 1000 ? Thrown::kBelow1000
                                            : Thrown::kMore;
  ++tally.thrown[static_cast<std::size_t>(thrown)];
  // Where threads overlap a stale store is the common case: the first ones, then a sample.
  if (loop.mark_all || tally.stale <= 256 || tally.stale % 4096 == 0) {
    worker.mark(MarkerKind::kLostUpdate, last.loaded, last.overwritten);
    ++tally.marked;
  }
}

void run_tagged(Worker& worker, CounterState& state, const CounterLoop& loop, CounterTally& tally) {
  const auto tag = static_cast<std::uint16_t>(worker.position() + 1);
  repeat(worker, loop, tally, [&](const Turns& turns) {
    Overwrite last;
    const std::uint64_t done = tagged_increments(&state.tagged, turns, tag, &last);
    if (last.stale()) note_stale(worker, loop, last, tally);
    return done;
  });
}

void run_plain(Worker& worker, CounterState& state, const CounterLoop& loop, CounterTally& tally) {
  repeat(worker, loop, tally, [&](const Turns& turns) {
    plain_increments(&state.plain, turns);
    return turns.count;
  });
}

void run_relaxed(Worker& worker, CounterState& state, const CounterLoop& loop,
                 CounterTally& tally) {
  repeat(worker, loop, tally, each([&](std::uint64_t window) {
           std::uint64_t value = state.atomic.load(std::memory_order_relaxed);
           if (window != 0) spin_iterations(window);
           asm volatile("" : "+r"(value));  // else clang fuses load and store
           state.atomic.store(value + 1, std::memory_order_relaxed);
         }));
}

void run_incmem(Worker& worker, CounterState& state, const CounterLoop& loop, CounterTally& tally) {
  repeat(worker, loop, tally, each([&](std::uint64_t) {
           asm volatile("incq %0" : "+m"(state.plain) : : "cc");
         }));
}

void run_atomic(Worker& worker, CounterState& state, const CounterLoop& loop, CounterTally& tally) {
  repeat(worker, loop, tally,
         each([&](std::uint64_t) { state.atomic.fetch_add(1, std::memory_order_relaxed); }));
}

template <auto member>
void run_locked(Worker& worker, CounterState& state, const CounterLoop& loop, CounterTally& tally) {
  auto& lock = state.*member;
  repeat(worker, loop, tally, [&](const Turns& turns) {
    std::uint64_t done = 0;
    // One acquisition may take a time slice or more: the stop flag is looked at before each.
    for (; done < turns.count && !worker.stopping(); ++done) {
      if (turns.gap != 0) spin_iterations(turns.gap);
      lock.lock();
      const std::uint64_t value = state.plain;
      if (turns.window != 0) spin_iterations(turns.window);
      state.plain = value + 1;
      lock.unlock();
    }
    return done;
  });
}

// Nobody else writes here: no locked instruction is needed.
void add_alone(std::atomic<std::uint64_t>& own) {
  own.store(own.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

void run_sharded(Worker& worker, CounterState& state, const CounterLoop& loop,
                 CounterTally& tally) {
  auto& own = state.sharded[worker.position()].value;
  repeat(worker, loop, tally, each([&](std::uint64_t) { add_alone(own); }));
}

void run_packed(Worker& worker, CounterState& state, const CounterLoop& loop, CounterTally& tally) {
  auto& own = state.packed[worker.position()];
  repeat(worker, loop, tally, each([&](std::uint64_t) { add_alone(own); }));
}

void run_rseq(Worker& worker, CounterState& state, const CounterLoop& loop, CounterTally& tally) {
  repeat(worker, loop, tally, [&](const Turns& turns) {
    bool restarted = false;
    const std::uint64_t done = rseq_increments(state.by_cpu.data(), turns, &restarted);
    if (restarted) ++tally.restarts;
    return done;
  });
}

template <RacyWindow (*window)()>
std::optional<RacyWindow> published() {
  return window();
}

constexpr CounterKind kKinds[] = {
    {"none", run_tagged, true, published<tagged_window>},
    {"plain", run_plain, true, published<plain_window>},
    {"relaxed", run_relaxed, true},
    {"incmem", run_incmem},
    {"atomic", run_atomic},
    {"mutex", run_locked<&CounterState::mutex>, true},
    {"spin", run_locked<&CounterState::spin>, true},
    {"ticket", run_locked<&CounterState::ticket>, true},
    {"fifo-futex", run_locked<&CounterState::fifo_futex>, true},
    {"sharded", run_sharded},
    {"packed", run_packed},
    {"rseq", run_rseq, true, published<rseq_window>},
};

}  // namespace

std::uint64_t CounterLoop::batch() const {
  constexpr std::uint64_t kMillisecond = 1'000'000;  // turns; a turn takes 0.2 to 1 ns
  return std::clamp<std::uint64_t>(kMillisecond / (window + gap + 1), 1, 1024);
}

CounterState::CounterState(std::size_t threads)
    : sharded(threads), packed(threads), by_cpu(kMostCpus) {}

void CounterState::reset() {
  tagged = 0;
  plain = 0;
  atomic = 0;
  for (auto& shard : sharded) shard.value = 0;
  for (auto& shard : packed) shard = 0;
  std::ranges::fill(by_cpu, CpuCounter{});
}

std::uint64_t CounterState::observed(std::string_view kind) const {
  std::uint64_t sum = 0;
  if (kind == "none") return tagged >> kLostUpdateTagBits;
  if (kind == "relaxed" || kind == "atomic") return atomic;
  if (kind == "sharded") {
    for (const auto& shard : sharded) sum += shard.value;
    return sum;
  }
  if (kind == "packed") {
    for (const auto& shard : packed) sum += shard;
    return sum;
  }
  if (kind == "rseq") {
    for (const CpuCounter& counter : by_cpu) sum += counter.value;
    return sum;
  }
  return plain;
}

std::span<const CounterKind> counter_kinds() { return kKinds; }

const CounterKind& counter_kind(std::string_view name) {
  const auto* kind = std::ranges::find(kKinds, name, &CounterKind::name);
  OBSERVE_CHECK(kind != std::end(kKinds));
  return *kind;
}

}  // namespace observe::workloads
