#include "capture/lanes.h"

#include <algorithm>
#include <bit>

#include <fmt/format.h>

namespace observe {
namespace {

constexpr std::uint64_t kMiB = 1024 * 1024;
constexpr std::uint64_t kDefaultBytesPerCpu = 8 * kMiB;
constexpr std::uint64_t kDefaultBytesInAll = 256 * kMiB;
constexpr std::uint64_t kMinSchedSlots = 64;
constexpr std::uint64_t kMaxSchedSlots = std::uint64_t{1} << 26;  // 3 GiB per CPU
constexpr std::uint64_t kMinLifeSlots = 64;
constexpr std::uint64_t kMaxLifeSlots = 16384;

// Entries of a BPF array, and the index that the probe computes, are 32 bits wide.
constexpr std::uint64_t kMaxSlotsInAll = std::uint64_t{1} << 31;

constexpr Nanos kLongestSleep = std::chrono::milliseconds(20);
constexpr Nanos kShortestSleep = std::chrono::milliseconds(1);
constexpr std::int64_t kRecordsPerSecond = 2'000'000;

// Built-ins and not atomic_ref: that wants a mutable object until C++26. The kernel's type, because
// a reference to std::uint64_t, which is another one, would be to a copy.
std::uint64_t load_acquire(const __u64& value) { return __atomic_load_n(&value, __ATOMIC_ACQUIRE); }

}  // namespace

Result<LaneSizes> lane_sizes(std::uint64_t bytes_per_cpu, int possible_cpus) {
  if (possible_cpus < 1 || possible_cpus > OBSERVE_MAX_CPUS) {
    return fail(Error{.action = "set up buffers for every CPU",
                      .reason = fmt::format("this machine may have {} CPUs; observe can watch {}",
                                            possible_cpus, OBSERVE_MAX_CPUS),
                      .advice = "boot with possible_cpus=N if most of them do not exist",
                      .failure = Failure::kNotAllowed});
  }
  const std::uint64_t cpus = static_cast<std::uint64_t>(possible_cpus);
  const std::uint64_t wanted =
      bytes_per_cpu != 0 ? bytes_per_cpu : std::min(kDefaultBytesPerCpu, kDefaultBytesInAll / cpus);
  const std::uint64_t sched = std::bit_floor(wanted / sizeof(observe_record));
  if (sched < kMinSchedSlots || sched > kMaxSchedSlots || sched * cpus > kMaxSlotsInAll) {
    return fail(usage_error(
        "set up buffers for every CPU", fmt::format("{} bytes for each of {} CPUs", wanted, cpus),
        fmt::format("from 4 KiB to {} MiB for each are possible here (--buffer-mib)",
                    std::min(kMaxSchedSlots, kMaxSlotsInAll / std::bit_ceil(cpus)) *
                        sizeof(observe_record) / kMiB)));
  }
  const std::uint64_t life = std::clamp(sched / 8, kMinLifeSlots, kMaxLifeSlots);
  return LaneSizes{.sched_slots = static_cast<std::uint32_t>(sched),
                   .life_slots = static_cast<std::uint32_t>(life),
                   .cpus = static_cast<std::uint32_t>(cpus)};
}

Nanos drain_interval(const LaneSizes& sizes) {
  const Nanos half_full{std::int64_t{sizes.sched_slots} * 1'000'000'000 / kRecordsPerSecond / 2};
  return std::clamp(half_full, kShortestSleep, kLongestSleep);
}

std::span<const observe_record> LaneReader::peek(std::size_t limit) const {
  const std::uint64_t head = load_acquire(cursor_->head);
  const std::uint64_t tail = cursor_->tail;  // only this side writes it
  const std::size_t first = tail & (records_.size() - 1);
  const std::size_t count = std::min({head - tail, records_.size() - first, limit});
  return records_.subspan(first, count);
}

void LaneReader::release(std::size_t count) {
  __atomic_store_n(&cursor_->tail, cursor_->tail + count, __ATOMIC_RELEASE);
}

std::uint64_t LaneReader::backlog() const { return load_acquire(cursor_->head) - cursor_->tail; }

std::uint64_t LaneReader::next_sequence() const {
  return load_acquire(cursor_->head) + load_acquire(cursor_->dropped);
}

}  // namespace observe
