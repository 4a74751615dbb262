// Where threads ran, and how far they were moved.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "analysis/timelines.h"

namespace observe {

// Of two CPUs, from near to far. Caches are kept within the same last-level cache.
enum class Distance : std::uint8_t { kSameCore, kSameLlc, kSameNode, kOtherNode, kUnknown };
inline constexpr std::size_t kDistances = 5;
std::string_view distance_text(Distance distance);  // "to the same core"…

// What the kernel does not say about a CPU is not guessed: then the distance is unknown.
Distance distance_between(std::span<const CpuTopology> topology, Cpu a, Cpu b);

struct CpuShare {
  Cpu cpu{};
  Nanos run{};
};

struct Placement {
  std::vector<CpuShare> cpus;  // those it ran on, by number
  std::uint64_t migrations = 0;
  std::array<std::uint64_t, kDistances> by_distance{};
};

Placement placement_of(const Facts& facts, ThreadRef ref);

}  // namespace observe
