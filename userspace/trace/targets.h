// Which threads were asked to be observed, and what each is called. Internal to the TraceBuilder.
#pragma once

#include <optional>
#include <vector>

#include "trace/run.h"
#include "trace/trace.h"

namespace observe::trace_internal {

// Sets ThreadInfo::target:
//   workload, command: the root process and everything that descends from it;
//   pid: the threads of that process, those created later too, but not its child processes;
//   system: all threads.
// The observer's own threads are never targets. Parents come before their children in `threads`.
void mark_targets(std::vector<ThreadInfo>& threads, const RunInfo& run);

// Sets ThreadInfo::role: what the workload says; "coordinator" for its main thread; "observer";
// for all others the name that the process's leader had in the end.
void assign_roles(std::vector<ThreadInfo>& threads, const RunInfo& run,
                  const std::optional<WorkloadInfo>& workload);

}  // namespace observe::trace_internal
