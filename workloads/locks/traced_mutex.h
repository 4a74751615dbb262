// A pthread mutex that leaves markers of who wants, has and gives back the lock of that number.
// Three markers for each use: for locks that are taken less than 60,000 times a second per thread.
#pragma once

#include <pthread.h>

#include <cstdint>

#include "base/check.h"
#include "workloads/frame/clock.h"
#include "workloads/frame/stage.h"

namespace observe::workloads {

class TracedMutex {
 public:
  explicit TracedMutex(std::uint64_t number, int protocol = PTHREAD_PRIO_NONE) : number_(number) {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    // Both protocols are part of Linux since 2.6.18.
    OBSERVE_CHECK(pthread_mutexattr_setprotocol(&attributes, protocol) == 0);
    OBSERVE_CHECK(pthread_mutex_init(&mutex_, &attributes) == 0);
    pthread_mutexattr_destroy(&attributes);
  }
  TracedMutex(const TracedMutex&) = delete;
  TracedMutex& operator=(const TracedMutex&) = delete;
  ~TracedMutex() { pthread_mutex_destroy(&mutex_); }

  void mark_wanted(Worker& worker) const { worker.mark(MarkerKind::kLockWanted, number_, 0); }
  void lock(Worker& worker) {
    mark_wanted(worker);
    pthread_mutex_lock(&mutex_);
    worker.mark(MarkerKind::kLockAcquired, number_, 0);
  }
  // After mark_wanted(). False: it was not to be had until then; the wait may be continued.
  bool lock_until(Worker& worker, Time deadline) {
    const std::int64_t ns = to_ns(deadline);
    const timespec until{.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000};
    if (pthread_mutex_clocklock(&mutex_, CLOCK_MONOTONIC, &until) != 0) return false;
    worker.mark(MarkerKind::kLockAcquired, number_, 0);
    return true;
  }
  void unlock(Worker& worker) {
    worker.mark(MarkerKind::kLockReleased, number_, 0);
    pthread_mutex_unlock(&mutex_);
  }

 private:
  const std::uint64_t number_;
  pthread_mutex_t mutex_{};
};

}  // namespace observe::workloads
