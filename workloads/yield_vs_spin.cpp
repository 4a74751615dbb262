// A thread that yields beside one that does not: politeness is not rewarded.
#include <sched.h>

#include "workloads/fair/rules.h"
#include "workloads/frame/stage.h"
#include "workloads/frame/work_unit.h"
#include "workloads/specs.h"

namespace observe::workloads {
namespace {

constexpr Parameter kParameters[] = {
    {.name = "unit-us",
     .type = ParameterType::kInteger,
     .unit = "us",
     .minimum = "10",
     .maximum = "2000",
     .fallback = "100",
     .help = "how long the yielder computes before it yields"},
};

constexpr Default kDefaults[] = {{"threads", "2"}, {"place", "one"}, {"duration", "2s"}};

constexpr Role kRoles[] = {{"yielder", "computes for a unit, then calls sched_yield"},
                           {"spinner", "computes all the time"}};

constexpr PredictionSpec kPredictions[] = {
    {"share", "u / (u + s): a yield forfeits the rest of the slice s",
     "a disturbed machine; cannot tell where the kernel's yield does not forfeit it"},
    {"involuntary", "nivcsw of the yielder = its yields + its preemptions", "events were lost"},
};

constexpr std::string_view kExplanation =
    R"(THE IDEA. sched_yield(2) looks like the cooperative world's "give up" for
kernel threads. Among threads that all yield it is (see yielders). Beside one
that does not, it is self-denial: the scheduler takes the yield at its word.

WHAT IT DOES. Two threads share one CPU. The yielder computes for u (--unit-us)
and yields, again and again. The spinner computes all the time. Both want the
CPU always, and have equal weight.

THE PREDICTION. EEVDF grants each thread a slice s at a time. Since the fix
"Forfeit vruntime on yield" (Linux 6.19, and stable kernels from 6.6.120,
6.12.64 and 6.18.3 on) a thread that yields is charged for its whole slice,
whatever it used of it: it pays s and gets u, while the spinner gets what it
pays for. So

    share of the yielder = u / (u + s)

A yield is charged only while the thread is owed time; where it is not, it pays
u as everybody does. With what it is owed spread evenly that happens in u of s
cases, and the share comes out as u s / (s^2 + u^2). The two formulas are the
bounds of the prediction; for u far below s they agree. Before that fix a yield
moved the deadline only, and CFS had another rule again: there the share is
measured and not judged.

The usual accounts mislead here. getrusage(2) counts a switch as voluntary only
when the thread goes to sleep. A thread that yields stays runnable, so each of
its yields is counted as involuntary:

    nivcsw = yields + preemptions

WHAT TO LOOK FOR
  1. observe --workload yield-vs-spin
     Write down your guess of the share first. Then compare the rows of the two
     threads.
  2. the same with --unit-us 20, then --unit-us 500
     What must a polite thread do to get half of the CPU?
  3. the same with --slice-us 500
     Both ask for a shorter slice. Who gains?)";

Result<void> validate(const Values& values, const Machine&) {
  if (auto rivals = check_fair_rivals(values); !rivals) return rivals;
  return check_thread_count(values, 2, "for more that yield, see: observe explain yielders");
}

Result<void> run(const Values& values, Stage& stage) {
  const std::chrono::microseconds unit{values.integer("unit-us")};
  const std::uint64_t iterations = stage.work_unit().iterations(unit);
  const auto body = [&](bool yields) {
    return [&, yields](Worker& worker) -> Result<void> {
      std::int64_t units = 0;
      while (!worker.stopping() && units != worker.operations()) {
        spin_iterations(iterations);
        if (yields) sched_yield();
        ++units;
      }
      worker.fact("ops", units);
      return {};
    };
  };
  std::vector<ThreadPlan> plans;
  plans.push_back({"yielder", body(true)});
  plans.push_back({"spinner", body(false)});
  if (auto done = stage.perform(std::move(plans)); !done) return done;
  stage.fact("unit_ns", to_ns(Nanos{unit}));
  stage.fact("yields", stage.threads().front().truth.at("ops"));
  return {};
}

}  // namespace

Spec yield_vs_spin() {
  return {.name = "yield-vs-spin",
          .idea = "Cooperative and preemptive multitasking",
          .summary = "a thread that yields beside one that does not: what politeness costs",
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
