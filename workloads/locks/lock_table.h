// Locks whose users can tell when they wait for each other in a circle: a table of who holds and
// who wants what, and a wait that ends after a time so that somebody looks at it.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "workloads/locks/traced_mutex.h"

namespace observe::workloads {

class LockTable {
 public:
  // The thread at position 0 looks at the table when it has waited for `patience`, the others after
  // twice the time: when all wait for each other it is always the same one who finds out.
  LockTable(std::size_t threads, std::size_t locks, Nanos patience);

  // False: the calling thread waits in a circle, and gives up wanting the lock. It then has to give
  // back what it holds, so that the others go on.
  [[nodiscard]] bool lock(Worker& worker, std::size_t lock);
  void unlock(Worker& worker, std::size_t lock);

  struct Deadlock {
    std::size_t length = 0;  // threads in the circle
    std::string text;  // "thread 0 wants B, held by thread 1; thread 1 wants A, held by thread 0"
    Nanos waited{};    // by the one who found it
  };
  // All that were found, in time order; once the threads are at rest.
  const std::vector<Deadlock>& deadlocks() const { return deadlocks_; }

 private:
  bool give_up(std::size_t thread, Nanos waited);

  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  const Nanos patience_;
  std::vector<std::unique_ptr<TracedMutex>> locks_;
  std::mutex table_mutex_;
  std::vector<std::size_t> holder_;  // by lock
  std::vector<std::size_t> wanted_;  // by thread
  std::vector<Deadlock> deadlocks_;
};

// "A" to "Z", then "#26".
std::string lock_letter(std::size_t lock);

// "deadlocks"; "cycle_length", "cycle" and "detected_after_ms" of the first.
void report_deadlocks(Stage& stage, const std::string& prefix, const LockTable& table);

}  // namespace observe::workloads
