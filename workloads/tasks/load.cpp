#include "workloads/tasks/load.h"

#include <algorithm>
#include <array>
#include <memory>

#include "workloads/frame/clock.h"
#include "workloads/frame/work_unit.h"

namespace observe::workloads {
namespace {

std::uint64_t left_word(std::uint64_t task, TaskLeft left) {
  return task | std::uint64_t{static_cast<std::uint8_t>(left)} << kTaskLeftBits;
}

}  // namespace

Result<void> carry_tasks(Worker& worker, const TaskLoad& load) {
  std::vector<std::int64_t> turns(load.iterations.size());
  std::int64_t switches = 0;
  const TaskCalls calls{.turn =
                            [&](std::uint32_t task) {
                              if (worker.stopping() || turns[task] == worker.operations())
                                return false;
                              if (load.deadline && now() >= *load.deadline) return false;
                              spin_iterations(load.iterations[task]);
                              ++turns[task];
                              return true;
                            },
                        .switched =
                            [&](std::uint64_t to, std::uint64_t from, TaskLeft left) {
                              worker.mark(MarkerKind::kTaskSwitch, to, left_word(from, left));
                              if (to != kNoTask) ++switches;
                            }};
  const auto tasks = static_cast<std::uint32_t>(load.iterations.size());
  if (auto done = run_tasks(load.backend, tasks, calls); !done) return done;
  std::int64_t operations = 0;
  for (const std::int64_t count : turns) operations += count;
  worker.fact("ops", operations);
  worker.fact("task_switches", switches);
  return {};
}

Result<double> switch_cost_ns(TaskBackend backend, std::uint32_t tasks) {
  constexpr std::uint32_t kSwitches = 4096;
  const auto ring = std::make_unique<MarkerRing>();
  std::array<double, 5> costs{};
  for (double& cost : costs) {
    ring->tail.store(ring->head.load(std::memory_order_relaxed), std::memory_order_relaxed);
    std::uint32_t left = kSwitches;
    Nanos begin{};
    Nanos end{};
    // Creating and ending the tasks lies outside.
    const TaskCalls calls{.turn =
                              [&](std::uint32_t) {
                                if (left == kSwitches) begin = thread_cpu_time();
                                if (left == 0) {
                                  if (end == Nanos{0}) end = thread_cpu_time();
                                  return false;
                                }
                                --left;
                                return true;
                              },
                          .switched =
                              [&](std::uint64_t to, std::uint64_t from, TaskLeft how) {
                                ring->write(MarkerKind::kTaskSwitch, to, left_word(from, how));
                              }};
    if (auto done = run_tasks(backend, tasks, calls); !done) return fail(done.error());
    cost = static_cast<double>(to_ns(end - begin)) / kSwitches;
  }
  std::ranges::sort(costs);
  return costs[costs.size() / 2];
}

}  // namespace observe::workloads
