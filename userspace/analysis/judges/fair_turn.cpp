#include "analysis/judges/fair_turn.h"

#include <algorithm>
#include <bit>

#include <fmt/format.h>

namespace observe {
namespace {

// In parts of a tick: a tick comes early or late by about this much, and the switch that began the
// slice came a little after one.
constexpr double kCloseToWhole = 0.02;

Nanos cfs_slice(int cpus, std::size_t runnable) {
  const auto counted = static_cast<unsigned>(std::clamp(cpus, 1, 8));
  const std::int64_t factor = 1 + (std::bit_width(counted) - 1);
  const std::int64_t latency = 6'000'000 * factor;
  const std::int64_t granularity = 750'000 * factor;
  const auto threads = static_cast<std::int64_t>(runnable);
  return Nanos{std::max(latency / threads, granularity)};
}

}  // namespace

std::optional<FairTurn> fair_turn(const HostInfo& host, std::size_t runnable,
                                  std::optional<Nanos> slice) {
  if (host.hz <= 0 || runnable == 0) return std::nullopt;
  FairTurn result;
  result.tick = Nanos{1'000'000'000 / host.hz};
  if (host.scheduler == "EEVDF") {
    const bool asked = slice && *slice > Nanos{0};
    result.slice = asked ? *slice : Nanos{host.slice_ns};
    result.formula = "⌈slice / tick⌉ · tick";
  } else if (host.scheduler == "CFS") {
    result.slice = cfs_slice(host.cpus_online, runnable);
    result.formula = "⌈(latency / N) / tick⌉ · tick";
  }
  if (result.slice <= Nanos{0}) return std::nullopt;
  const double ticks =
      static_cast<double>(to_ns(result.slice)) / static_cast<double>(to_ns(result.tick));
  const std::int64_t whole = (to_ns(result.slice) + to_ns(result.tick) - 1) / to_ns(result.tick);
  const double beyond = ticks - static_cast<double>(static_cast<std::int64_t>(ticks));
  result.ambiguous = ticks > 0.5 && (beyond < kCloseToWhole || beyond > 1 - kCloseToWhole);
  result.turn = result.tick * whole;
  return result;
}

std::string why_no_fair_turn(const HostInfo& host) {
  if (host.hz <= 0) return "the kernel's tick is not known";
  if (host.scheduler == "EEVDF") return "the kernel does not tell its slice";
  return fmt::format("no formula for the scheduler {}", host.scheduler);
}

}  // namespace observe
