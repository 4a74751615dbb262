// A bounded queue between one producer and one consumer that never lock each other out: the
// producer may be a real-time thread, which must not wait for an ordinary one that holds a lock
// while others have the CPU.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/check.h"

namespace observe {

template <class T, std::uint32_t Capacity>
class SpscQueue {
  static_assert((Capacity & (Capacity - 1)) == 0, "indices wrap around at 2^32");

 public:
  // Producer. What it says stays true until the producer pushes.
  bool has_room() const {
    return pushed_.load(std::memory_order_relaxed) - popped_.load(std::memory_order_acquire) <
           Capacity;
  }
  // Producer; there must be room.
  void push(T&& value) {
    OBSERVE_CHECK(has_room());
    const std::uint32_t at = pushed_.load(std::memory_order_relaxed);
    slots_[at % Capacity] = std::move(value);
    pushed_.store(at + 1, std::memory_order_release);
    signal();
  }
  // Producer: nothing more comes.
  void close() {
    closed_.store(true, std::memory_order_release);
    signal();
  }

  // Consumer.
  std::optional<T> try_pop() {
    const std::uint32_t at = popped_.load(std::memory_order_relaxed);
    if (at == pushed_.load(std::memory_order_acquire)) return std::nullopt;
    std::optional<T> value(std::move(slots_[at % Capacity]));
    popped_.store(at + 1, std::memory_order_release);
    return value;
  }
  // Consumer: waits; nullopt when closed and empty.
  std::optional<T> pop() {
    for (;;) {
      const std::uint32_t seen = signals_.load(std::memory_order_acquire);
      const bool closed = closed_.load(std::memory_order_acquire);
      if (std::optional<T> value = try_pop()) return value;
      if (closed) return std::nullopt;
      signals_.wait(seen, std::memory_order_acquire);
    }
  }

 private:
  void signal() {
    signals_.fetch_add(1, std::memory_order_release);
    signals_.notify_one();
  }

  std::array<T, Capacity> slots_{};
  alignas(64) std::atomic<std::uint32_t> pushed_{0};
  alignas(64) std::atomic<std::uint32_t> popped_{0};
  alignas(64) std::atomic<std::uint32_t> signals_{0};
  std::atomic<bool> closed_{false};
};

}  // namespace observe
