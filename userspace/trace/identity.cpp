#include "trace/identity.h"

#include <algorithm>
#include <string>
#include <utility>

#include "trace/task_state.h"

namespace observe::trace_internal {

namespace {

std::string text_of(const std::array<char, 16>& name) {
  return {name.begin(), std::find(name.begin(), name.end(), '\0')};
}

bool same_start(std::uint64_t a, std::uint64_t b) { return a == b || a == 0 || b == 0; }

}  // namespace

void TidMap::set(Tid tid, ThreadRef thread) {
  if (raw(tid) >= kTable) {
    others_[raw(tid)] = thread;
    return;
  }
  if (raw(tid) >= table_.size()) {
    const std::size_t grown = std::max<std::size_t>({raw(tid) + 1, table_.size() * 2, 1u << 15});
    table_.resize(std::min<std::size_t>(grown, kTable), kNoThread);
  }
  table_[raw(tid)] = thread;
}

IdentityTracker::Running& IdentityTracker::running_on(Cpu cpu) {
  if (raw(cpu) >= running_.size()) running_.resize(raw(cpu) + std::size_t{1});
  return running_[raw(cpu)];
}

bool IdentityTracker::runs_elsewhere(ThreadRef thread, Cpu cpu) const {
  for (std::size_t other = 0; other < running_.size(); ++other) {
    if (other != raw(cpu) && running_[other].thread == thread) return true;
  }
  return false;
}

ThreadRef IdentityTracker::create(Tid tid, Time since) {
  const ThreadRef thread{static_cast<std::uint32_t>(threads_.size())};
  ThreadInfo created;
  created.tid = tid;
  created.names.push_back({since, {}});
  threads_.push_back(std::move(created));
  notes_.push_back({.name_unknown = true});
  by_tid_.set(tid, thread);
  return thread;
}

ThreadRef IdentityTracker::create_seeded(const ThreadSeed& seed) {
  const ThreadRef thread = create(seed.tid, seed.at);
  ThreadInfo& created = info(thread);
  created.process = seed.process;
  created.parent_process = seed.parent_process;
  created.start_time = seed.start_time;
  created.kernel_thread = seed.kernel_thread;
  rename(thread, seed.at, text_of(seed.name));
  return thread;
}

void IdentityTracker::seed(std::span<const ThreadSeed> seeds) {
  for (const ThreadSeed& seed : seeds) {
    if (seed.tid == kIdleTid) continue;
    const ThreadRef before = by_tid_.find(seed.tid);
    if (before != kNoThread && info(before).start_time == seed.start_time) continue;  // seen twice
    const ThreadRef thread = create_seeded(seed);
    info(thread).first = seed;
    // A zombie that nobody has waited for yet: it will not run again.
    if (is_dead(seed.state) && !seed.on_cpu) {
      info(thread).died = seed.at;
      notes(thread).dead = true;
    }
    if (seed.on_cpu) running_on(seed.cpu) = {.tid = seed.tid, .thread = thread};
  }
}

void IdentityTracker::expect_execs(std::span<const Exec> execs) {
  for (const Exec& exec : execs) expected_execs_[exec.tid].push_back(exec);
  for (auto& [tid, list] : expected_execs_) std::reverse(list.begin(), list.end());
}

void IdentityTracker::set_marker_lanes(std::vector<Tid> tids, Pid process) {
  marker_tids_ = std::move(tids);
  marker_process_ = process;
}

ThreadRef IdentityTracker::known(Tid tid, Time at) {
  if (tid == kIdleTid) return kNoThread;
  const ThreadRef thread = by_tid_.find(tid);
  if (alive(thread)) return thread;
  if (begin_exec(tid, at) != nullptr) return by_tid_.find(tid);
  if (thread == kNoThread) return create(tid, at);
  ++quality_.events_after_death;
  return thread;
}

// What is put on a run queue for the first time or onto a CPU is alive: a dead tid was reused, and
// the fork was not seen.
ThreadRef IdentityTracker::revived(Tid tid, Time at) {
  if (tid == kIdleTid) return kNoThread;
  const ThreadRef thread = by_tid_.find(tid);
  if (alive(thread)) return thread;
  if (begin_exec(tid, at) != nullptr) return by_tid_.find(tid);
  return create(tid, at);
}

ThreadRef IdentityTracker::current(Cpu cpu, Tid tid, Time at) {
  if (tid == kIdleTid) return kNoThread;
  const Running running = running_on(cpu);
  // Better than the tid: the parent may have reaped a thread that still has to switch out, and
  // the tid may have been given away again.
  if (running.tid == tid && alive(running.thread)) return running.thread;
  if (PendingExec* exec = pending(tid); exec != nullptr && exec->concerns(running.thread)) {
    const bool has_leaders_tid = tid == exec->exec.tid;
    if (has_leaders_tid != (running.thread == exec->leader)) exchange(*exec);
    return running.thread;
  }
  return known(tid, at);
}

ThreadRef IdentityTracker::switched_in(Cpu cpu, Tid tid, Time at) {
  if (PendingExec* exec = pending(tid)) {
    // Nobody runs on two CPUs: who seems to is the other one of the two, under its new tid.
    const ThreadRef seeming = by_tid_.find(tid);
    if (exec->concerns(seeming) && runs_elsewhere(seeming, cpu)) exchange(*exec);
  }
  return revived(tid, at);
}

void IdentityTracker::learn(ThreadRef thread, Pid process) {
  if (thread != kNoThread && info(thread).process == Pid{}) info(thread).process = process;
}

void IdentityTracker::rename(ThreadRef thread, Time at, std::string name, bool replaces) {
  std::vector<ThreadName>& names = info(thread).names;
  Notes& noted = notes(thread);
  if (noted.name_unknown || replaces) {
    names.back().name = std::move(name);  // the first name that is known serves from the start on
  } else if (names.back().name != name) {
    names.push_back({at, std::move(name)});
  }
  noted.name_unknown = false;
  noted.awaits_name = false;
}

void IdentityTracker::die(ThreadRef thread, Time at) {
  if (thread == kNoThread) return;
  info(thread).died = at;
  notes(thread).dead = true;
  for (PendingExec& exec : pending_) {
    if (exec.leader != thread || exec.exchanged) continue;
    exec.exchanged = true;  // or soon: nobody else can use the leader's tid now
    by_tid_.set(exec.exec.tid, exec.caller);
  }
}

IdentityTracker::PendingExec* IdentityTracker::pending(Tid tid) {
  for (PendingExec& exec : pending_) {
    if (exec.concerns(tid)) return &exec;
  }
  return nullptr;
}

const Exec* IdentityTracker::expected_exec(Tid tid, Time at) {
  if (expected_execs_.empty()) return nullptr;
  const auto found = expected_execs_.find(tid);
  if (found == expected_execs_.end()) return nullptr;
  std::vector<Exec>& execs = found->second;
  while (!execs.empty() && execs.back().at < at) execs.pop_back();
  return execs.empty() ? nullptr : &execs.back();
}

IdentityTracker::PendingExec* IdentityTracker::begin_exec(Tid tid, Time at) {
  const Exec* expected = expected_exec(tid, at);
  if (expected == nullptr) return nullptr;
  PendingExec exec{.exec = *expected};
  expected_execs_[tid].pop_back();
  exec.leader = by_tid_.find(tid);
  exec.caller = by_tid_.find(exec.exec.old_tid);
  if (exec.caller == kNoThread) exec.caller = create(exec.exec.old_tid, at);
  if (exec.leader == exec.caller) exec.leader = kNoThread;
  if (!alive(exec.leader)) {
    exec.exchanged = true;
    by_tid_.set(tid, exec.caller);
  }
  return &pending_.emplace_back(exec);
}

void IdentityTracker::exchange(PendingExec& exec) {
  if (exec.exchanged) return;
  exec.exchanged = true;
  by_tid_.set(exec.exec.tid, exec.caller);
  if (alive(exec.leader)) by_tid_.set(exec.exec.old_tid, exec.leader);
}

// The leader's tid is given to a new process: what was taken for the exec of the old one is to come
// in the new one.
void IdentityTracker::cancel_exec(Tid tid) {
  const auto found = std::find_if(pending_.begin(), pending_.end(),
                                  [&](const PendingExec& exec) { return exec.exec.tid == tid; });
  if (found == pending_.end()) return;
  expected_execs_[tid].push_back(found->exec);
  pending_.erase(found);
}

void IdentityTracker::resolve(Switch& event) {
  event.prev_thread = current(event.cpu, event.prev, event.at);
  if (event.prev_thread != kNoThread) {
    ThreadInfo& prev = info(event.prev_thread);
    if (event.kernel_thread && !prev.first && !prev.born) prev.kernel_thread = true;
    if (is_dead(event.prev_state) && !event.preempt) {
      PendingExec* exec = pending(event.prev);
      if (exec != nullptr && event.prev_thread == exec->caller && alive(exec->leader)) {
        exchange(*exec);  // who is going to exec does not die: this is the leader
        event.prev_thread = exec->leader;
      }
      die(event.prev_thread, event.at);
    }
  }
  event.next_thread = switched_in(event.cpu, event.next, event.at);
  running_on(event.cpu) = {event.next, event.next_thread, event.prev, event.prev_thread};
}

void IdentityTracker::resolve(Waking& event) {
  event.thread = known(event.tid, event.at);
  event.waker_thread = current(event.cpu, event.waker, event.at);
}

void IdentityTracker::resolve(Wakeup& event) {
  event.thread = event.is_new ? revived(event.tid, event.at) : known(event.tid, event.at);
}

void IdentityTracker::resolve(Migrate& event) { event.thread = known(event.tid, event.at); }

void IdentityTracker::resolve(Fork& event) {
  event.parent_thread = current(event.cpu, event.parent, event.at);
  if (event.child == kIdleTid) return;
  cancel_exec(event.child);
  ThreadRef child = by_tid_.find(event.child);
  const bool seeded_later = alive(child) && info(child).first && !info(child).born &&
                            same_start(info(child).start_time, event.child_start);
  const bool named = alive(child) && notes(child).name_only;
  if (!seeded_later && !named) {
    child = create(event.child, event.at);
    if (event.parent_thread != kNoThread) {
      rename(child, event.at, info(event.parent_thread).name());
    }
  }
  notes(child).awaits_name = !named;
  notes(child).name_only = false;
  ThreadInfo& born = info(child);
  born.born = event.at;
  born.names.front().since = event.at;
  born.process = event.child_process;
  born.start_time = event.child_start;
  born.kernel_thread = event.kernel_thread;
  born.parent = event.parent_thread;
  if (event.parent_thread != kNoThread) {
    if (event.is_thread) learn(event.parent_thread, event.child_process);
    const ThreadInfo& parent = info(event.parent_thread);
    born.parent_process = event.is_thread ? parent.parent_process : parent.process;
  }
  event.child_thread = child;
}

// The name at fork is recorded next to the fork, before it on some kernels.
ThreadRef IdentityTracker::named_at_fork(const Rename& event) {
  const ThreadRef thread = by_tid_.find(event.tid);
  if (alive(thread)) {
    const ThreadInfo& found = info(thread);
    const bool seeded_later = found.first && !found.born && found.first->at >= event.at;
    if (notes(thread).awaits_name || seeded_later) return thread;
  }
  const ThreadRef created = create(event.tid, event.at);
  notes(created).name_only = true;
  return created;
}

void IdentityTracker::resolve(Rename& event) {
  if (event.tid == kIdleTid) return;
  event.thread = event.cause == Rename::Cause::kFork ? named_at_fork(event)
                                                     : current(event.cpu, event.tid, event.at);
  learn(event.thread, event.process);
  rename(event.thread, event.at, text_of(event.name), event.cause == Rename::Cause::kFork);
}

void IdentityTracker::resolve(Exec& event) {
  if (event.tid == kIdleTid) return;
  if (event.old_tid == event.tid || event.old_tid == kIdleTid) {
    event.thread = current(event.cpu, event.tid, event.at);
    learn(event.thread, event.process);
    return;
  }
  auto found = std::find_if(pending_.begin(), pending_.end(),
                            [&](const PendingExec& exec) { return exec.exec.tid == event.tid; });
  if (found == pending_.end()) {
    if (begin_exec(event.tid, event.at) == nullptr) {
      event.thread = known(event.tid, event.at);
      return;
    }
    found = pending_.end() - 1;
  }
  const PendingExec exec = *found;
  pending_.erase(found);

  event.thread = exec.caller;
  learn(exec.caller, event.process);
  ThreadInfo& caller = info(exec.caller);
  caller.tid = event.tid;
  if (exec.leader != kNoThread) caller.start_time = info(exec.leader).start_time;
  by_tid_.set(event.tid, exec.caller);
  by_tid_.set(event.old_tid, alive(exec.leader) ? exec.leader : kNoThread);
  for (Running& running : running_) {
    if (running.thread == exec.caller) running.tid = event.tid;
  }
}

void IdentityTracker::resolve(Exit& event) {
  event.thread = current(event.cpu, event.tid, event.at);
  if (event.thread == kNoThread) return;
  learn(event.thread, event.process);
  info(event.thread).exiting = event.at;
  if (raw(event.tid) != raw(event.process)) return;
  // A leader that exits because another thread execs. An exec expected of its tid may as well be
  // that of a later process: only if the caller lives in this one now.
  const Exec* expected = expected_exec(event.tid, event.at);
  if (expected == nullptr) return;
  const ThreadRef caller = by_tid_.find(expected->old_tid);
  if (alive(caller) && info(caller).process == event.process) begin_exec(event.tid, event.at);
}

void IdentityTracker::resolve(Account& event) {
  if (event.tid == kIdleTid) return;
  // Taken at the last switch-out, before or after it.
  const Running running = running_on(event.cpu);
  ThreadRef thread = kNoThread;
  if (running.before == event.tid) thread = running.thread_before;
  if (running.tid == event.tid) thread = running.thread;
  if (thread == kNoThread) thread = by_tid_.find(event.tid);
  if (thread == kNoThread) thread = create(event.tid, event.at);
  event.thread = thread;
  info(thread).account = event;
}

void IdentityTracker::resolve(Marker& event) {
  if (event.tid != Tid{}) {
    event.thread = by_tid_.find(event.tid);
    if (event.thread == kNoThread) event.thread = create(event.tid, event.at);
    return;
  }
  if (event.lane >= marker_tids_.size()) return;
  const ThreadRef thread = by_tid_.find(marker_tids_[event.lane]);
  if (thread == kNoThread) return;
  const Pid process = info(thread).process;
  if (marker_process_ == Pid{} || process == Pid{} || process == marker_process_) {
    event.thread = thread;
  }
}

void IdentityTracker::finish(std::span<const ThreadSeed> seeds) {
  for (const ThreadSeed& seed : seeds) {
    if (seed.tid == kIdleTid) continue;
    ThreadRef thread = by_tid_.find(seed.tid);
    if (thread == kNoThread || !same_start(info(thread).start_time, seed.start_time)) {
      thread = create_seeded(seed);
    }
    ThreadInfo& found = info(thread);
    if (found.last) continue;
    found.last = seed;
    found.start_time = seed.start_time;
    learn(thread, seed.process);
    if (found.parent_process == Pid{}) found.parent_process = seed.parent_process;
    if (!notes(thread).dead && found.names.back().since <= seed.at) {
      rename(thread, seed.at, text_of(seed.name));
    }
  }
  quality_.threads_without_origin += static_cast<std::uint64_t>(
      std::count_if(threads_.begin(), threads_.end(),
                    [](const ThreadInfo& thread) { return !thread.first && !thread.born; }));
}

}  // namespace observe::trace_internal
