// A count of signals that one thread gives and another takes; who takes sleeps until there is one.
#pragma once

#include "workloads/frame/futex.h"

namespace observe::workloads {

class Signal {
 public:
  void give() {
    given_.fetch_add(1, std::memory_order_release);
    futex_wake(given_, 1);
  }
  void take() {
    while (true) {
      std::uint32_t given = given_.load(std::memory_order_acquire);
      while (given > 0) {
        if (given_.compare_exchange_weak(given, given - 1, std::memory_order_acquire)) return;
      }
      futex_wait(given_, 0);
    }
  }

 private:
  alignas(64) FutexWord given_{0};
};

}  // namespace observe::workloads
