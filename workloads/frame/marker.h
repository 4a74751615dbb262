// What a workload writes about itself while it runs: fixed-size records in a ring in shared
// memory, one ring per thread, without a system call. The recorder drains them.
#pragma once

#include <time.h>

#include <atomic>
#include <cstdint>

#include "trace/events.h"

namespace observe::workloads {

using observe::MarkerKind;

struct MarkerRecord {
  std::uint64_t at_ns;  // CLOCK_MONOTONIC
  std::uint16_t kind;
  std::uint16_t reserved[3];
  std::uint64_t a;
  std::uint64_t b;
};
static_assert(sizeof(MarkerRecord) == 32);

inline constexpr std::uint32_t kMarkerSlots = 1u << 14;

// Single producer (the thread), single consumer (the recorder). When it is full a marker is
// counted as dropped: the workload is never held up.
struct alignas(64) MarkerRing {
  std::atomic<std::uint64_t> head{0};
  std::atomic<std::uint64_t> dropped{0};
  alignas(64) std::atomic<std::uint64_t> tail{0};
  alignas(64) MarkerRecord slots[kMarkerSlots];

  void write(MarkerKind kind, std::uint64_t a, std::uint64_t b) {
    const std::uint64_t head_now = head.load(std::memory_order_relaxed);
    if (head_now - tail.load(std::memory_order_acquire) >= kMarkerSlots) {
      dropped.store(dropped.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      return;
    }
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);  // the vDSO: no system call
    slots[head_now % kMarkerSlots] = {
        .at_ns = static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
                 static_cast<std::uint64_t>(now.tv_nsec),
        .kind = static_cast<std::uint16_t>(kind),
        .reserved = {},
        .a = a,
        .b = b};
    head.store(head_now + 1, std::memory_order_release);
  }
};

}  // namespace observe::workloads
