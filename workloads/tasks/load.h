// The work of cooperative tasks, with a marker at every switch: what coop-tasks and coop-hog share.
#pragma once

#include <cstdint>
#include <vector>

#include "workloads/frame/stage.h"
#include "workloads/tasks/cooperative.h"

namespace observe::workloads {

struct TaskLoad {
  TaskBackend backend = TaskBackend::kCoroutine;
  std::vector<std::uint64_t> iterations;  // of each turn, by task
  std::optional<Time> deadline;           // earlier than the worker's own end
};

// Runs the tasks until the worker is to stop, until --ops turns of each are done, or until the
// deadline. Facts of the thread: ops (turns of all tasks) and task_switches (each leaves a marker).
Result<void> carry_tasks(Worker& worker, const TaskLoad& load);

// CPU time of one switch from task to task, its marker included: the circle with nothing to do.
Result<double> switch_cost_ns(TaskBackend backend, std::uint32_t tasks);

}  // namespace observe::workloads
