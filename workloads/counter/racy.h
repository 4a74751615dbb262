// count += 1 as three instructions - load, add, store - that no compiler can fuse or move, with the
// addresses between which a preemption loses the work of others.
//
// In C++ the compiler decides: clang turns both a volatile `x = x + 1` and a relaxed load and store
// into one `addq $1, mem`, which no interrupt can split. Hence assembly, the same for all
// compilers.
#pragma once

#include <cstdint>

namespace observe::workloads {

// Instruction addresses in this process. `begin` follows the load, `store` is the store, `end`
// follows it. A thread whose next instruction lies in [begin, end) has loaded and not yet stored.
struct RacyWindow {
  std::uint64_t load = 0;
  std::uint64_t begin = 0;
  std::uint64_t store = 0;
  std::uint64_t end = 0;
};

// How often, and how many turns of a counting loop before the load (gap) and between load and store
// (window).
struct Turns {
  std::uint64_t count = 0;  // at least 1
  std::uint64_t window = 0;
  std::uint64_t gap = 0;
};

// A word that carries a count above kLostUpdateTagBits and the writer's tag below, so that a store
// by somebody else always changes it, even when rollbacks bring the same count back.
inline constexpr std::uint64_t kCountOne = std::uint64_t{1} << 16;

struct Overwrite {
  std::uint64_t loaded = 0;
  std::uint64_t overwritten = 0;  // what the store replaced; stale when it is not what was loaded
  bool stale() const { return loaded != overwritten; }
};

// Adds one to the count in `word`, up to turns.count times; stops early after a stale store. The
// store is an xchg, which returns what it replaces: every lost update is known to its writer, and
// expected - observed == Σ (overwritten - loaded) holds exactly. Returns how many were done.
std::uint64_t tagged_increments(std::uint64_t* word, Turns turns, std::uint16_t tag,
                                Overwrite* last);
RacyWindow tagged_window();

// The same with a mov for the store: what the increment really costs, with nobody keeping books.
void plain_increments(std::uint64_t* word, Turns turns);
RacyWindow plain_window();

// The same in a restartable sequence: when the thread is preempted or moved before its store the
// kernel sends it back, so that the word of this CPU is never overwritten with a stale value.
struct alignas(64) CpuCounter {
  std::uint64_t value = 0;
};
// As many as an x86-64 kernel can be built for (CONFIG_NR_CPUS).
inline constexpr std::uint32_t kMostCpus = 8192;

// Whether the C library registered this process's threads for restartable sequences.
bool rseq_registered();
// `counters` has kMostCpus elements. Stops early after a restart. Returns how many were done.
std::uint64_t rseq_increments(CpuCounter* counters, Turns turns, bool* restarted);
// Here load begins the sequence: from there to `end` a preemption restarts it.
RacyWindow rseq_window();

}  // namespace observe::workloads
