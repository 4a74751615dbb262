#include "trace/targets.h"

#include <unordered_map>
#include <unordered_set>

namespace observe::trace_internal {

namespace {

using Pids = std::unordered_set<std::uint32_t>;

bool is_observer(const ThreadInfo& thread, const RunInfo& run) {
  return run.observer_process != Pid{} && thread.process == run.observer_process;
}

// The processes that descend from `root` as the seeds tell it: those that were there before any
// fork was seen.
Pids seeded_descendants(const std::vector<ThreadInfo>& threads, Pid root) {
  std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> children;
  for (const ThreadInfo& thread : threads) {
    if (thread.parent == kNoThread && thread.parent_process != Pid{}) {
      children[raw(thread.parent_process)].push_back(raw(thread.process));
    }
  }
  Pids found{raw(root)};
  std::vector<std::uint32_t> open{raw(root)};
  while (!open.empty()) {
    const auto of = children.find(open.back());
    open.pop_back();
    if (of == children.end()) continue;
    for (const std::uint32_t child : of->second) {
      if (child != 0 && found.insert(child).second) open.push_back(child);
    }
  }
  return found;
}

}  // namespace

void mark_targets(std::vector<ThreadInfo>& threads, const RunInfo& run) {
  if (run.kind == RunKind::kSystem) {
    for (ThreadInfo& thread : threads) thread.target = !is_observer(thread, run);
    return;
  }
  if (!run.root_process || *run.root_process == Pid{}) return;
  const Pid root = *run.root_process;
  const bool with_children = run.kind != RunKind::kPid;
  const Pids seeded = with_children ? seeded_descendants(threads, root) : Pids{raw(root)};

  bool root_seen = false;
  for (ThreadInfo& thread : threads) {
    if (is_observer(thread, run)) continue;
    const bool in_root = thread.process == root;
    if (thread.parent == kNoThread) {
      thread.target = seeded.contains(raw(thread.process));
    } else {
      // Once the root process has been seen, its number on a process forked by somebody else is
      // another process.
      const bool inherits = threads[raw(thread.parent)].target && (with_children || in_root);
      thread.target = inherits || (in_root && !root_seen);
    }
    if (in_root && thread.target) root_seen = true;
  }
}

void assign_roles(std::vector<ThreadInfo>& threads, const RunInfo& run,
                  const std::optional<WorkloadInfo>& workload) {
  std::unordered_map<std::uint32_t, const ThreadInfo*> leaders;  // the newest of each process
  for (const ThreadInfo& thread : threads) {
    if (raw(thread.tid) == raw(thread.process)) leaders[raw(thread.process)] = &thread;
  }
  for (ThreadInfo& thread : threads) {
    const auto leader = leaders.find(raw(thread.process));
    if (is_observer(thread, run)) {
      thread.role = "observer";
    } else if (run.kind == RunKind::kWorkload && thread.target && run.root_process &&
               raw(thread.tid) == raw(*run.root_process)) {
      thread.role = "coordinator";
    } else {
      thread.role = leader != leaders.end() ? leader->second->name() : thread.name();
    }
  }
  if (!workload) return;

  std::unordered_map<std::uint32_t, std::vector<ThreadInfo*>> by_tid;
  for (ThreadInfo& thread : threads) {
    if (thread.target &&
        (!run.root_process || thread.process == *run.root_process || thread.process == Pid{})) {
      by_tid[raw(thread.tid)].push_back(&thread);
    }
  }
  for (const WorkloadThread& told : workload->threads) {
    const auto candidates = by_tid.find(raw(told.tid));
    if (candidates == by_tid.end()) continue;
    // Where the tid was reused within the process: the one that lived when its phase began.
    for (ThreadInfo* thread : candidates->second) {
      const bool born = !thread->born || *thread->born <= told.begin;
      const bool living = !thread->died || *thread->died >= told.begin;
      if ((born && living) || candidates->second.size() == 1) thread->role = told.role;
    }
  }
}

}  // namespace observe::trace_internal
