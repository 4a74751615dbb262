// Cooperative tasks on one kernel thread: each computes for a while and gives up. What they wait is
// decided by their good manners alone.
#include <fmt/format.h>

#include "workloads/frame/stage.h"
#include "workloads/specs.h"
#include "workloads/tasks/load.h"

namespace observe::workloads {
namespace {

constexpr std::string_view kBackends[] = {"coroutine", "fiber"};

constexpr Parameter kParameters[] = {
    {.name = "tasks",
     .type = ParameterType::kInteger,
     .unit = "tasks",
     .minimum = "2",
     .maximum = "500",
     .fallback = "8",
     .help = "how many tasks share the thread"},
    {.name = "unit-us",
     .type = ParameterType::kInteger,
     .unit = "us",
     .minimum = "10",
     .maximum = "100000",
     .fallback = "100",
     .help = "how long a task computes before it gives up"},
    {.name = "backend",
     .type = ParameterType::kChoice,
     .fallback = "coroutine",
     .choices = kBackends,
     .help = "what a task is: a C++20 coroutine, or a ucontext fiber with a stack of its own"},
};

constexpr Default kDefaults[] = {{"threads", "1"}, {"place", "one"}};

constexpr Role kRoles[] = {{"coop", "the one kernel thread that carries all tasks"}};

constexpr PredictionSpec kPredictions[] = {
    {"wait", "(n − 1) · (u + c): every other task computes once; c: what a switch costs",
     "fewer than 20 waits, or a disturbed machine"},
    {"switches", "one marker for each switch that the tasks counted", "events were lost"},
    {"blocked", "0 times: no task switch blocks or yields the thread", "events were lost"},
};

constexpr std::string_view kExplanation =
    R"(THE IDEA. Before kernels took the CPU away from programs, programs gave it up:
on Windows 3.x and the first Macs a task kept the CPU until it asked for the
next message. It works well while all are polite. Today the same scheme lives
inside of single programs: coroutines, fibers, async functions, green threads.
It is cheap because the kernel has no part in it.

WHAT IT DOES. One kernel thread carries n tasks (--tasks) in a circle. Each
computes for u (--unit-us) and gives up; the next goes on where it had stopped.
There is no timer and no interrupt in this. With --backend coroutine a task is
a C++20 coroutine: the compiler keeps what must survive in a frame on the heap,
and `co_await` in the source is the one place where the task can lose the CPU.
With --backend fiber a task is a function with a stack of its own, and
swapcontext(3) exchanges the registers, as the fibers of old did. It also saves
the signal mask with a system call, so that each switch enters the kernel for a
moment; but no thread is switched, and the price is measured: c.

THE PREDICTION. When a task gives up, each of the n - 1 others computes once
before it is its turn again:

    wait = (n - 1) * (u + c)

c is what a switch costs, measured before the run on the same circle with
nothing to do. It holds to 5 %, since no better than that is the length of a
unit of work vouched for.

The kernel sees one thread that computes all the time. The tasks make it block
or yield never:

    switches of the thread in the kernel that the tasks bring about = 0

Those that remain are other threads of the machine that wanted this CPU for a
moment.

WHAT TO LOOK FOR
  1. observe --workload coop-tasks
     Eight tasks make ten thousand switches a second. How many switches does
     the kernel know of?
  2. the same with --tasks 16, then --unit-us 200
     First write down how long a task will wait.
  3. the same with --backend fiber
     What does a switch cost now? Compare with a switch of kernel threads: see
     yielders.
  4. observe --workload coop-hog
     One task is rude.)";

Result<void> validate(const Values& values, const Machine&) {
  if (values.integer("threads") == 1) return {};
  return fail(usage_error("use --threads", "all tasks share one thread; that is what it shows",
                          "choose the number of tasks: --tasks"));
}

Result<void> run(const Values& values, Stage& stage) {
  const auto tasks = static_cast<std::uint32_t>(values.integer("tasks"));
  const std::chrono::microseconds unit{values.integer("unit-us")};
  TaskLoad load;
  load.backend = task_backend(values.text("backend"));
  load.iterations.assign(tasks, stage.work_unit().iterations(unit));
  const auto cost = switch_cost_ns(load.backend, tasks);
  if (!cost) return fail(cost.error());

  std::vector<ThreadPlan> plans(
      1, {"coop", [&](Worker& worker) { return carry_tasks(worker, load); }});
  if (auto done = stage.perform(std::move(plans)); !done) return done;
  stage.fact("tasks", static_cast<std::int64_t>(tasks));
  stage.fact("unit_ns", to_ns(Nanos{unit}));
  stage.fact("switch_ns", *cost);
  stage.fact("task_switches", stage.total("task_switches"));
  stage.fact("ops", stage.total("ops"));
  return {};
}

}  // namespace

Spec coop_tasks() {
  return {.name = "coop-tasks",
          .idea = "Cooperative and preemptive multitasking",
          .summary = "tasks on one kernel thread that give up by themselves; the kernel sees none",
          .explanation = kExplanation,
          .parameters = kParameters,
          .defaults = kDefaults,
          .roles = kRoles,
          .predictions = kPredictions,
          .thread_count = nullptr,
          .rights = nullptr,
          .validate = validate,
          .run = run};
}

}  // namespace observe::workloads
