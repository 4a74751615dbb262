// The rude task: one that does not give up. As a cooperative task it holds up all others for as
// long as it likes; as a kernel thread it is stopped after its time slice.
#include <fmt/format.h>

#include "workloads/frame/clock.h"
#include "workloads/frame/rendezvous.h"
#include "workloads/frame/stage.h"
#include "workloads/specs.h"
#include "workloads/tasks/load.h"

namespace observe::workloads {
namespace {

constexpr std::string_view kBackends[] = {"coroutine", "fiber"};
constexpr std::string_view kWays[] = {"both", "tasks", "threads"};

constexpr Parameter kParameters[] = {
    {.name = "tasks",
     .type = ParameterType::kInteger,
     .unit = "tasks",
     .minimum = "2",
     .maximum = "500",
     .fallback = "4",
     .help = "how many there are, the hog among them"},
    {.name = "unit-us",
     .type = ParameterType::kInteger,
     .unit = "us",
     .minimum = "10",
     .maximum = "100000",
     .fallback = "100",
     .help = "how long a polite task computes before it gives up"},
    {.name = "hog-ms",
     .type = ParameterType::kInteger,
     .unit = "ms",
     .minimum = "1",
     .maximum = "500",
     .fallback = "50",
     .help = "how long the hog computes before it gives up"},
    {.name = "as",
     .type = ParameterType::kChoice,
     .fallback = "both",
     .choices = kWays,
     .help = "tasks (cooperative, on one thread), threads (one kernel thread each, on one CPU), or "
             "both, one after the other"},
    {.name = "backend",
     .type = ParameterType::kChoice,
     .fallback = "coroutine",
     .choices = kBackends,
     .help = "what a task is: a C++20 coroutine, or a ucontext fiber with a stack of its own"},
};

constexpr Default kDefaults[] = {{"threads", "1"}, {"place", "one"}, {"duration", "1500ms"}};

constexpr Role kRoles[] = {{"coop", "the kernel thread that carries all tasks"},
                           {"hog", "the hog as a kernel thread of its own"},
                           {"polite", "a polite task as a kernel thread of its own"}};

constexpr PredictionSpec kPredictions[] = {
    {"tasks wait", "H + (n − 2) · u + (n − 1) · c: the hog's whole length, and the others' units",
     "fewer than 5 turns of the hog, or a disturbed machine"},
    {"worst task", "at least that: nobody takes the CPU from the hog",
     "as above; what the thread itself waited for a CPU is taken off"},
    {"threads wait", "(n − 1) · turn, turn = ⌈slice / tick⌉ · tick: H is not in it",
     "fewer than 20 waits, or a disturbed machine"},
    {"worst thread", "at most 2 · n · turn: never a turn ahead of its share, nor behind",
     "a disturbed machine"},
};

constexpr std::string_view kExplanation =
    R"(THE IDEA. Cooperative multitasking is a contract: everybody gives up the CPU
soon. Nobody enforces it. One program that computes for a while, or hangs,
stops all others; on Windows 3.x that was the hourglass that never went away. A
preemptive kernel does not ask. It takes the CPU away when a time slice is
over, and a rude thread hurts itself only.

WHAT IT DOES. There are n (--tasks): n - 1 polite ones that compute for u
(--unit-us) and give up, and a hog that computes for H (--hog-ms) before it
gives up. The same work is done in two ways, each for half of --duration (--as
tasks or --as threads leaves one of them out):

  as tasks     all on one kernel thread, as in coop-tasks
  as threads   each on a kernel thread of its own, all on one CPU; nobody
               gives up, and nobody has to

THE PREDICTION. A polite task waits until the hog and the n - 2 other polite
tasks have had their turn:

    wait = H + (n - 2) u + (n - 1) c

where c is what a switch costs, measured before the run.

A thread waits until n - 1 rivals have had a turn each. How long a turn is, the
kernel decides. It grants a slice, and looks at the clock only at its ticks:

    wait = (n - 1) * turn        turn = slice, rounded up to whole ticks

H is not in this formula. That is what preemption is for. The scheduler does
not promise that order, only that no thread is more than a turn ahead of its
share or behind it. A thread that waits falls behind by an n-th of the time, so
that no wait is longer than 2 n turns.

A thread from outside that runs for a moment, even for a microsecond, ends a
turn before its time. Waits into which such a thread fell are not compared with
(n - 1) turns.

WHAT TO LOOK FOR
  1. observe --workload coop-hog
     The tasks' waits come from markers that the program writes. The kernel's
     own events show one thread there that has nothing to wait for: whoever
     looks at the kernel alone sees no problem.
  2. the same with --hog-ms 200
     First write down both waits. Which of them changes?
  3. the same with --hog-ms 2
     Now the tasks wait for less than the threads do. What do cooperative tasks
     do better?
  4. the same with --tasks 8
     Which of the two waits grows by more, and by how much?)";

bool as_tasks(const Values& values) { return values.text("as") != "threads"; }
bool as_threads(const Values& values) { return values.text("as") != "tasks"; }

std::int64_t thread_count(const Values& values) {
  return (as_tasks(values) ? 1 : 0) + (as_threads(values) ? values.integer("tasks") : 0);
}

Result<void> validate(const Values& values, const Machine&) {
  if (values.integer("threads") != 1) {
    return fail(usage_error("use --threads",
                            "tasks share one thread; as threads, each has one of its own",
                            "choose the number of both: --tasks"));
  }
  if (as_threads(values) && values.text("place") != "one" && values.cpus("cpus").size() > 1) {
    return fail(usage_error("use --place",
                            "the threads are to compete for one CPU as the tasks compete for one "
                            "thread",
                            "--place one, or name one CPU: --cpus 0"));
  }
  return {};
}

// Computes turn after turn, without giving up, once the tasks are through.
Result<void> compute(Worker& worker, Rendezvous& tasks_done, std::uint64_t iterations) {
  tasks_done.arrive_and_wait();
  worker.mark(MarkerKind::kPhase, 1, 0);
  std::int64_t turns = 0;
  while (!worker.stopping() && turns != worker.operations()) {
    spin_iterations(iterations);
    ++turns;
  }
  worker.fact("ops", turns);
  return {};
}

Result<void> run(const Values& values, Stage& stage) {
  const auto tasks = static_cast<std::uint32_t>(values.integer("tasks"));
  const std::chrono::microseconds unit{values.integer("unit-us")};
  const std::chrono::milliseconds hog{values.integer("hog-ms")};
  const WorkUnit work = stage.work_unit();
  TaskLoad load;
  load.backend = task_backend(values.text("backend"));
  load.iterations.assign(tasks, work.iterations(unit));
  load.iterations.front() = work.iterations(hog);
  const auto cost = switch_cost_ns(load.backend, tasks);
  if (!cost) return fail(cost.error());

  const auto threads = static_cast<std::uint32_t>(thread_count(values));
  Rendezvous tasks_done(threads);
  std::optional<Nanos> half;
  if (as_threads(values) && values.has("duration")) half = values.duration("duration") / 2;
  std::vector<ThreadPlan> plans;
  if (as_tasks(values)) {
    plans.push_back({"coop", [&](Worker& worker) -> Result<void> {
                       TaskLoad own = load;
                       if (half) own.deadline = now() + *half;
                       const auto done = carry_tasks(worker, own);
                       tasks_done.arrive_and_wait();
                       return done;
                     }});
  }
  for (std::uint32_t task = 0; as_threads(values) && task < tasks; ++task) {
    plans.push_back({task == 0 ? "hog" : "polite", [&, task](Worker& worker) {
                       return compute(worker, tasks_done, load.iterations[task]);
                     }});
  }
  if (auto done = stage.perform(std::move(plans)); !done) return done;

  stage.fact("as_tasks", as_tasks(values));
  stage.fact("as_threads", as_threads(values));
  stage.fact("tasks", static_cast<std::int64_t>(tasks));
  stage.fact("unit_ns", to_ns(Nanos{unit}));
  stage.fact("hog_ns", to_ns(Nanos{hog}));
  stage.fact("switch_ns", *cost);
  stage.fact("ops", stage.total("ops"));
  if (!as_tasks(values)) return {};
  const auto& truth = stage.threads().front().truth;
  stage.fact("task_switches", truth.at("task_switches"));
  return {};
}

}  // namespace

Spec coop_hog() {
  return {.name = "coop-hog",
          .idea = "Cooperative and preemptive multitasking",
          .summary = "one that does not give up: as a cooperative task, and as a kernel thread",
          .explanation = kExplanation,
          .parameters = kParameters,
          .defaults = kDefaults,
          .roles = kRoles,
          .predictions = kPredictions,
          .thread_count = thread_count,
          .rights = nullptr,
          .validate = validate,
          .run = run};
}

}  // namespace observe::workloads
