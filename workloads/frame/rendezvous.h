// A meeting point for the threads of a workload: nobody goes on before all have come. Sleeps in the
// kernel without spinning or yielding first, unlike std::barrier, so that the trace shows one wait.
#pragma once

#include <cstdint>

#include "workloads/frame/futex.h"

namespace observe::workloads {

class Rendezvous {
 public:
  explicit Rendezvous(std::uint32_t threads) : threads_(threads) {}

  void arrive_and_wait() {
    const std::uint32_t round = round_.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads_) {
      arrived_.store(0, std::memory_order_relaxed);
      round_.store(round + 1, std::memory_order_release);
      futex_wake_all(round_);
      return;
    }
    while (round_.load(std::memory_order_acquire) == round) futex_wait(round_, round);
  }

 private:
  const std::uint32_t threads_;
  alignas(64) FutexWord arrived_{0};
  alignas(64) FutexWord round_{0};
};

}  // namespace observe::workloads
