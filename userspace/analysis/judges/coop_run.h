// A run of cooperative tasks as its judges read it, and what they predict alike.
#pragma once

#include <cstdint>
#include <optional>

#include "analysis/judges/judge.h"
#include "analysis/judges/workload_run.h"
#include "analysis/user_tasks.h"

namespace observe {

struct CoopRun {
  WorkloadRun run;
  Actor actor;  // the thread that carries the tasks
  TaskLane lane;
  // Ground truth.
  double tasks = 0;
  double unit_ns = 0;
  double switch_ns = 0;
  double task_switches = 0;
};

// Nothing when a fact is missing or makes no sense, or there are no markers.
std::optional<CoopRun> read_coop_run(const Facts& facts);

double median_wait_ns(const TaskLane& lane);
// From the first to the last task switch.
Conduct conduct_while_carrying(const Facts& facts, const CoopRun& run);
// Switch-outs by which the thread itself gave up its CPU.
std::uint64_t given_up(const Conduct& conduct);

// One marker for each switch that the tasks counted.
report::Prediction predict_task_switches(const Facts& facts, const CoopRun& run,
                                         const Noise& noise);
// No switch from task to task makes the thread give up its CPU.
report::Prediction predict_given_up(const Facts& facts, const CoopRun& run, const Noise& noise);

// Evidence: the longest wait, who had the turn meanwhile, and what of it was the kernel's doing.
void add_worst_wait(const Facts& facts, const TaskLane& lane, report::Finding& finding);

}  // namespace observe
