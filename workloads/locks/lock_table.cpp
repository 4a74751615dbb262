#include "workloads/locks/lock_table.h"

#include <fmt/format.h>

namespace observe::workloads {

LockTable::LockTable(std::size_t threads, std::size_t locks, Nanos patience)
    : patience_(patience), holder_(locks, kNone), wanted_(threads, kNone) {
  for (std::size_t i = 0; i < locks; ++i) locks_.push_back(std::make_unique<TracedMutex>(i));
}

bool LockTable::lock(Worker& worker, std::size_t lock) {
  const std::size_t thread = worker.position();
  {
    const std::lock_guard guard(table_mutex_);
    wanted_[thread] = lock;
  }
  const Nanos patience = thread == 0 ? patience_ : 2 * patience_;
  const Time begin = now();
  locks_[lock]->mark_wanted(worker);
  while (!locks_[lock]->lock_until(worker, now() + patience)) {
    if (give_up(thread, now() - begin)) return false;
  }
  const std::lock_guard guard(table_mutex_);
  wanted_[thread] = kNone;
  holder_[lock] = thread;
  return true;
}

void LockTable::unlock(Worker& worker, std::size_t lock) {
  {
    const std::lock_guard guard(table_mutex_);
    holder_[lock] = kNone;
  }
  locks_[lock]->unlock(worker);
}

// Follows who holds what is wanted, from the thread on, until it comes back to it or to an end. The
// table may be a moment behind the locks, but not where everybody waits.
bool LockTable::give_up(std::size_t thread, Nanos waited) {
  const std::lock_guard guard(table_mutex_);
  Deadlock found{.length = 0, .text = {}, .waited = waited};
  std::size_t one = thread;
  do {
    const std::size_t wanted = wanted_[one];
    if (wanted == kNone || holder_[wanted] == kNone || found.length == wanted_.size()) return false;
    const std::size_t next = holder_[wanted];
    found.text += fmt::format("{}thread {} wants {}, held by thread {}",
                              found.length > 0 ? "; " : "", one, lock_letter(wanted), next);
    ++found.length;
    one = next;
  } while (one != thread);
  wanted_[thread] = kNone;
  deadlocks_.push_back(std::move(found));
  return true;
}

std::string lock_letter(std::size_t lock) {
  if (lock < 26) return std::string(1, static_cast<char>('A' + lock));
  return fmt::format("#{}", lock);
}

void report_deadlocks(Stage& stage, const std::string& prefix, const LockTable& table) {
  const auto& all = table.deadlocks();
  stage.fact(prefix + "deadlocks", static_cast<std::int64_t>(all.size()));
  if (all.empty()) return;
  stage.fact(prefix + "cycle_length", static_cast<std::int64_t>(all.front().length));
  stage.fact(prefix + "cycle", all.front().text);
  stage.fact(prefix + "detected_after_ms", static_cast<double>(to_ns(all.front().waited)) / 1e6);
}

}  // namespace observe::workloads
