// Locks that workloads compare. Each is as its textbook has it and no cleverer.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "workloads/frame/futex.h"
#include "workloads/frame/spec.h"

namespace observe::workloads {

// Test, test-and-set: waits by reading until it looks free. Whoever comes first takes it.
class SpinLock {
 public:
  void lock() {
    while (taken_.exchange(true, std::memory_order_acquire)) {
      while (taken_.load(std::memory_order_relaxed)) __builtin_ia32_pause();
    }
  }
  // False: give_up() was true while it waited. Calls pause() in between.
  template <class GiveUp, class Pause>
  bool lock_unless(GiveUp&& give_up, Pause&& pause) {
    while (taken_.exchange(true, std::memory_order_acquire)) {
      while (taken_.load(std::memory_order_relaxed)) {
        if (give_up()) return false;
        pause();
      }
    }
    return true;
  }
  void unlock() { taken_.store(false, std::memory_order_release); }

 private:
  alignas(64) std::atomic<bool> taken_{false};
};

// In the order of arrival, spinning: when the next in line is not on a CPU all others wait for it.
class TicketLock {
 public:
  void lock() {
    const std::uint64_t ticket = next_.fetch_add(1, std::memory_order_relaxed);
    while (serving_.load(std::memory_order_acquire) != ticket) __builtin_ia32_pause();
  }
  // False: give_up() was true while it waited. The ticket is lost then, and whoever comes behind it
  // will never be served: for threads that all give up at once.
  template <class GiveUp, class Pause>
  bool lock_unless(GiveUp&& give_up, Pause&& pause) {
    const std::uint64_t ticket = next_.fetch_add(1, std::memory_order_relaxed);
    while (serving_.load(std::memory_order_acquire) != ticket) {
      if (give_up()) return false;
      pause();
    }
    return true;
  }
  void unlock() {
    serving_.store(serving_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

 private:
  alignas(64) std::atomic<std::uint64_t> next_{0};
  alignas(64) std::atomic<std::uint64_t> serving_{0};
};

// In the order of arrival, sleeping: the lock is handed to the one who has waited longest, and
// nobody may overtake it while it wakes up.
class FifoFutexLock {
 public:
  void lock() {
    const std::uint32_t ticket = next_.fetch_add(1, std::memory_order_seq_cst);
    FutexWord& granted = slots_[ticket % kSlots].granted;
    for (std::uint32_t seen = granted.load(std::memory_order_acquire); seen != ticket;
         seen = granted.load(std::memory_order_acquire)) {
      futex_wait(granted, seen);
    }
    holder_ = ticket;
  }
  void unlock() {
    const std::uint32_t heir = holder_ + 1;
    FutexWord& granted = slots_[heir % kSlots].granted;
    granted.store(heir, std::memory_order_seq_cst);
    // Nobody holds the heir's ticket yet: whoever draws it finds it granted. The order of the store
    // and this load against the drawing of a ticket makes sure that one of the two sees the other.
    if (next_.load(std::memory_order_seq_cst) != heir) futex_wake(granted, 1);
  }

 private:
  // More than there can be waiters, so that each sleeps on a word of its own.
  static constexpr std::uint32_t kSlots = 1024;
  static_assert(kSlots > kMaxThreads && (kSlots & (kSlots - 1)) == 0);
  struct alignas(64) Slot {
    FutexWord granted{0};
  };
  alignas(64) std::atomic<std::uint32_t> next_{0};
  std::uint32_t holder_ = 0;  // the holder's ticket; its own
  std::array<Slot, kSlots> slots_;
};

}  // namespace observe::workloads
