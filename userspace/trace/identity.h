// Who a tid is at each moment. Internal to the TraceBuilder, which feeds it the merged events.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <unordered_map>
#include <vector>

#include "trace/trace.h"

namespace observe::trace_internal {

// Tid to thread. Real tids are below 2^22 (the kernel's PID_MAX_LIMIT) and index a table; what a
// damaged or hostile recording claims beyond that goes into a hash map.
class TidMap {
 public:
  ThreadRef find(Tid tid) const {
    if (raw(tid) < table_.size()) return table_[raw(tid)];
    if (raw(tid) < kTable) return kNoThread;
    const auto found = others_.find(raw(tid));
    return found == others_.end() ? kNoThread : found->second;
  }
  void set(Tid tid, ThreadRef thread);

 private:
  static constexpr std::uint32_t kTable = 1u << 22;
  std::vector<ThreadRef> table_;
  std::unordered_map<std::uint32_t, ThreadRef> others_;
};

// Threads come from the first seeds, from forks, and from tids of unknown origin. A thread ends at
// its last switch-out; its tid may then name another.
//
// An exec by a thread other than the leader is the one case in which a living thread changes its
// tid: the kernel (de_thread() in fs/exec.c) ends the other threads, waits for the leader to become
// a zombie, exchanges the two tids and copies the leader's start time to the caller, and only later
// emits sched_process_exec. Between the exchange and that event the leader's tid names the caller;
// and the leader, should its last switch-out come after the exchange, then has the caller's old
// tid. So such execs must be known beforehand.
class IdentityTracker {
 public:
  explicit IdentityTracker(Quality& quality) : quality_(quality) {}

  // Before the first event: seeds, and the execs with old_tid != tid, oldest first.
  void seed(std::span<const ThreadSeed> seeds);
  void expect_execs(std::span<const Exec> execs);
  // Markers carry a lane; this is the thread of each.
  void set_marker_lanes(std::vector<Tid> tids, Pid process);

  // Fill in the event's ThreadRefs; to be called in time order.
  void resolve(Switch& event);
  void resolve(Waking& event);
  void resolve(Wakeup& event);
  void resolve(Migrate& event);
  void resolve(Fork& event);
  void resolve(Rename& event);
  void resolve(Exec& event);
  void resolve(Exit& event);
  void resolve(Account& event);
  void resolve(Marker& event);

  // After the last event.
  void finish(std::span<const ThreadSeed> seeds);
  std::vector<ThreadInfo> take_threads() { return std::move(threads_); }

 private:
  // What a ThreadInfo does not need to keep.
  struct Notes {
    bool dead = false;
    bool name_only = false;    // known only from its name at fork: the fork itself comes next
    bool awaits_name = false;  // forked: its name at fork comes next
    bool name_unknown = false;
  };
  struct Running {  // on one CPU, as its last switch left it
    Tid tid{};
    ThreadRef thread = kNoThread;
    Tid before{};  // who was switched out
    ThreadRef thread_before = kNoThread;
  };
  // An exec by a thread other than the leader, from the leader's exit to the exec event.
  struct PendingExec {
    Exec exec;
    ThreadRef leader = kNoThread;
    ThreadRef caller = kNoThread;
    bool exchanged = false;
    bool concerns(Tid tid) const { return tid == exec.tid || tid == exec.old_tid; }
    bool concerns(ThreadRef thread) const {
      return thread != kNoThread && (thread == leader || thread == caller);
    }
  };

  ThreadInfo& info(ThreadRef thread) { return threads_[raw(thread)]; }
  Notes& notes(ThreadRef thread) { return notes_[raw(thread)]; }
  Running& running_on(Cpu cpu);

  bool alive(ThreadRef thread) const { return thread != kNoThread && !notes_[raw(thread)].dead; }
  bool runs_elsewhere(ThreadRef thread, Cpu cpu) const;

  ThreadRef create(Tid tid, Time since);
  ThreadRef create_seeded(const ThreadSeed& seed);
  ThreadRef known(Tid tid, Time at);             // creates when unknown; counts when dead
  ThreadRef revived(Tid tid, Time at);           // creates when unknown or dead
  ThreadRef current(Cpu cpu, Tid tid, Time at);  // the thread running on `cpu` as `tid`
  ThreadRef switched_in(Cpu cpu, Tid tid, Time at);
  void learn(ThreadRef thread, Pid process);
  void rename(ThreadRef thread, Time at, std::string name, bool replaces = false);
  ThreadRef named_at_fork(const Rename& event);
  void die(ThreadRef thread, Time at);

  const Exec* expected_exec(Tid tid, Time at);
  PendingExec* begin_exec(Tid tid, Time at);  // nullptr when none is expected
  PendingExec* pending(Tid tid);
  void exchange(PendingExec& exec);
  void cancel_exec(Tid tid);

  Quality& quality_;
  std::vector<ThreadInfo> threads_;
  std::vector<Notes> notes_;
  TidMap by_tid_;
  std::vector<Running> running_;  // by CPU
  std::vector<Tid> marker_tids_;
  Pid marker_process_{};
  std::map<Tid, std::vector<Exec>> expected_execs_;  // by the leader's tid, newest first
  std::vector<PendingExec> pending_;                 // nearly always empty
};

}  // namespace observe::trace_internal
