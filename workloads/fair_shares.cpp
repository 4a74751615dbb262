// Threads of different nice values on one CPU: what fair means is written in a table of weights.
#include <algorithm>

#include "workloads/fair/rules.h"
#include "workloads/frame/stage.h"
#include "workloads/frame/work_unit.h"
#include "workloads/specs.h"

namespace observe::workloads {
namespace {

constexpr Parameter kParameters[] = {
    {.name = "nice-list",
     .type = ParameterType::kIntegerList,
     .minimum = "-20",
     .maximum = "19",
     .fallback = "0,5",
     .help = "nice value of each thread, like 0,5 or 0,0,10; negative ones need CAP_SYS_NICE"},
};

constexpr Default kDefaults[] = {{"threads", "2"}, {"place", "one"}, {"duration", "2s"}};

constexpr Role kRoles[] = {{"spinner", "computes all the time, with a nice value of its own"}};

constexpr PredictionSpec kPredictions[] = {
    {"share of nice", "weight / Σ weights, for each thread",
     "a disturbed machine; cannot tell without the right to a negative nice value"},
};

constexpr std::string_view kExplanation =
    R"(THE IDEA. A fair scheduler gives equal threads equal time. Unequal ones get it
in proportion to their weight, and nice is how a weight is asked for: one step
of nice is a factor of about 1.25. It is a share, not a priority: a thread of
nice 19 still runs beside one of nice 0, only seldom.

WHAT IT DOES. One thread for each value of --nice-list, all on one CPU, all
computing without a pause.

THE PREDICTION. The kernel keeps a table (kernel/sched/core.c,
sched_prio_to_weight): nice 0 weighs 1024, nice 1 820, nice 5 335, nice 19 15.
Each thread's share of the CPU time is

    share = weight / sum of all weights

The scheduler never lets a thread fall behind its share, or run ahead of it, by
more than a turn (its slice, rounded up to whole ticks). At both ends of the
run that makes

    error <= 2 * turn / time of the run

which is the tolerance: run longer for a sharper verdict.

WHAT TO LOOK FOR
  1. observe --workload fair-shares
     Nice 0 and nice 5: write down the shares before you look.
  2. the same with --nice-list 0,1
     One step of nice: would you notice the difference?
  3. the same with --nice-list 0,19 --duration 5s
     How long does the nice one wait between its turns? Is a turn of it
     shorter?
  4. the same with --nice-list 10,15
     Is it the values that matter, or the difference between them?)";

std::int64_t thread_count(const Values& values) {
  return static_cast<std::int64_t>(values.integers("nice-list").size());
}

Rights rights(const Values& values) {
  return {.nice = static_cast<int>(
              std::min<std::int64_t>(0, std::ranges::min(values.integers("nice-list"))))};
}

Result<void> validate(const Values& values, const Machine&) {
  if (auto rivals = check_fair_rivals(values); !rivals) return rivals;
  const std::int64_t threads = thread_count(values);
  if (threads < 2) {
    return fail(usage_error("use --nice-list", "a thread alone has nobody to share with",
                            "two values or more: --nice-list 0,5"));
  }
  if (values.integer("nice") != 0) {
    return fail(usage_error("use --nice", "each thread has a nice value of its own here",
                            "use --nice-list"));
  }
  if (values.integer("threads") == 2) return {};
  return check_thread_count(values, threads, "give a value for each: --nice-list");
}

Result<void> run(const Values& values, Stage& stage) {
  const std::vector<std::int64_t> nice = values.integers("nice-list");
  std::vector<ThreadPlan> plans;
  bool refused = false;
  for (const std::int64_t wanted : nice) {
    const bool permitted = wanted >= 0 || stage.has_rights();
    refused = refused || !permitted;
    const std::int64_t given = permitted ? wanted : 0;
    plans.push_back({"spinner",
                     [given](Worker& worker) -> Result<void> {
                       std::int64_t units = 0;
                       while (!worker.stopping() && units != worker.operations()) {
                         spin_iterations(10'000);
                         ++units;
                       }
                       worker.fact("ops", units);
                       worker.fact("nice", given);
                       return {};
                     },
                     {.nice = static_cast<int>(given)}});
  }
  if (auto done = stage.perform(std::move(plans)); !done) return done;
  stage.fact("nice_refused", refused);
  return {};
}

}  // namespace

Spec fair_shares() {
  return {.name = "fair-shares",
          .idea = "Cooperative and preemptive multitasking",
          .summary = "threads of different nice values: shares in proportion to their weights",
          .explanation = kExplanation,
          .parameters = kParameters,
          .defaults = kDefaults,
          .roles = kRoles,
          .predictions = kPredictions,
          .thread_count = thread_count,
          .rights = rights,
          .validate = validate,
          .run = run};
}

}  // namespace observe::workloads
