// Kernel threads that give up their CPU of their own accord, with sched_yield.
#include <sched.h>

#include "workloads/frame/stage.h"
#include "workloads/frame/work_unit.h"
#include "workloads/specs.h"

namespace observe::workloads {
namespace {

constexpr Parameter kParameters[] = {
    {.name = "unit-us",
     .type = ParameterType::kInteger,
     .unit = "us",
     .minimum = "50",
     .maximum = "500",
     .fallback = "100",
     .help = "how long a thread computes before it yields"},
};

constexpr Default kDefaults[] = {{"threads", "4"}, {"place", "one"}};

constexpr Role kRoles[] = {{"yielder", "computes for a unit, then calls sched_yield"}};

constexpr PredictionSpec kPredictions[] = {
    {"turn", "u + c: c is what a call of sched_yield costs by itself, measured before the run",
     "fewer than 100 turns, or a disturbed machine"},
    {"mean wait", "(N − 1) · turn, with the mean turn that was measured: one runs, the others wait",
     "fewer than 100 waits, or a disturbed machine"},
    {"yields", "every call of sched_yield switches: another thread is always ready",
     "events were lost"},
};

constexpr std::string_view kExplanation =
    R"(THE IDEA. Kernel threads can be polite too: sched_yield(2) says "let the others
go first". With nobody but polite threads on a CPU the preemptive kernel
behaves like a cooperative one. It is still the kernel that switches: compare
what a switch costs here and in coop-tasks.

WHAT IT DOES. N threads (--threads) on one CPU each compute for u (--unit-us)
and yield, again and again. u is shorter than a time slice, so that the timer
never has a reason to interfere.

THE PREDICTION. While one of N threads runs, N - 1 wait. So whatever the order
is,

    turn = u + c               c: what the call costs
    mean wait = (N - 1) * turn

More is not promised, neither a strict circle nor equal shares. EEVDF charges
who yields for the whole slice, but only while it is owed time; who has had
more than its share pays what it used. So some come back sooner than others.
How many switches follow the circle, and who got how much, is measured and not
judged.

Every switch is a yield. Beware of the usual accounts here: getrusage(2) counts
a yield as an involuntary switch (nivcsw), because the thread remains runnable.
So does the kernel's sched_switch event. Only the system call that the thread
is in tells a yield from a preemption.

WHAT TO LOOK FOR
  1. observe --workload yielders
     The line "switches": how many were yields, how many preemptions?
  2. the same with --threads 8, then --unit-us 50
     First write down how long a thread will wait in the mean. And at most?
  3. observe --workload yield-vs-spin
     What if one of them does not yield?)";

Result<void> validate(const Values& values, const Machine&) {
  if (values.integer("threads") < 2) {
    return fail(usage_error("use --threads", "a thread alone has nobody to yield to", "2 or more"));
  }
  if (values.text("place") != "one" && values.cpus("cpus").size() > 1) {
    return fail(usage_error("use --place", "the threads are to share one CPU",
                            "--place one, or name one CPU: --cpus 0"));
  }
  return {};
}

Result<void> run(const Values& values, Stage& stage) {
  const auto threads = static_cast<std::size_t>(values.integer("threads"));
  const std::chrono::microseconds unit{values.integer("unit-us")};
  const std::uint64_t iterations = stage.work_unit().iterations(unit);
  const double yield_ns = calibrate([](std::uint64_t calls) {
    for (std::uint64_t i = 0; i < calls; ++i) sched_yield();
  });
  std::vector<ThreadPlan> plans(threads,
                                {"yielder", [&](Worker& worker) -> Result<void> {
                                   std::int64_t yields = 0;
                                   while (!worker.stopping() && yields != worker.operations()) {
                                     spin_iterations(iterations);
                                     sched_yield();
                                     ++yields;
                                   }
                                   worker.fact("ops", yields);
                                   return {};
                                 }});
  if (auto done = stage.perform(std::move(plans)); !done) return done;
  stage.fact("unit_ns", to_ns(Nanos{unit}));
  stage.fact("yield_ns", yield_ns);
  stage.fact("yields", stage.total("ops"));
  stage.fact("nvcsw", stage.total("nvcsw"));
  stage.fact("nivcsw", stage.total("nivcsw"));
  return {};
}

}  // namespace

Spec yielders() {
  return {.name = "yielders",
          .idea = "Cooperative and preemptive multitasking",
          .summary = "kernel threads that yield to each other: every switch a yield",
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
