// Threads that ask for a time slice of their own, first one and then another.
#include "workloads/fair/rules.h"
#include "workloads/frame/clock.h"
#include "workloads/frame/stage.h"
#include "workloads/frame/work_unit.h"
#include "workloads/specs.h"

namespace observe::workloads {
namespace {

constexpr Parameter kParameters[] = {
    {.name = "first-us",
     .type = ParameterType::kInteger,
     .unit = "us",
     .minimum = "100",
     .maximum = "100000",
     .fallback = "2500",
     .help = "slice that all threads ask for in the first half"},
    {.name = "second-us",
     .type = ParameterType::kInteger,
     .unit = "us",
     .minimum = "100",
     .maximum = "100000",
     .fallback = "5500",
     .help = "slice that all threads ask for in the second half"},
};

constexpr Default kDefaults[] = {{"threads", "2"}, {"place", "one"}, {"duration", "2s"}};

constexpr Role kRoles[] = {{"spinner", "computes all the time, with the slice it asked for"}};

constexpr PredictionSpec kPredictions[] = {
    {"first turn", "⌈slice / tick⌉ · tick, with the slice asked for in the first half",
     "fewer than 20 turns, or a disturbed machine; cannot tell before 6.12"},
    {"second turn", "the same with that of the second half", "the same"},
};

constexpr std::string_view kExplanation =
    R"(THE IDEA. A long time slice means few switches and warm caches; a short one
means short waits. There is no best value, only one that fits the work. From
Linux 6.12 on a thread may tell the kernel what it wants, with
sched_setattr(2), without any privilege: it gets the same share of the CPU, in
larger or in smaller pieces.

WHAT IT DOES. N threads (--threads) compute on one CPU without a pause. In the
first half of the run all of them ask for a slice of --first-us, in the second
half for --second-us.

THE PREDICTION. The kernel looks whether a slice is over at its ticks only
(unless it was built and told to use a timer of high resolution for it). So a
thread keeps the CPU for whole ticks:

    turn = slice, rounded up to whole ticks

With ticks every 4 ms, slices of 0.1 ms and of 3 ms come to the same, and 9.5
ms are 12.

All must ask. A kernel that lets others in early for fairness goes by the
shortest slice that anybody on the CPU has, so that one thread alone with a
long slice does not get it.

WHAT TO LOOK FOR
  1. observe --workload custom-slices
     How long are the turns in either half? How many switches does that save?
  2. the same with --first-us 100 --second-us 3500
     Does asking for less than a tick help?
  3. the same with --threads 4
     The slice remains. What becomes of the waits?)";

Result<void> validate(const Values& values, const Machine&) {
  if (auto rivals = check_fair_rivals(values); !rivals) return rivals;
  if (values.integer("threads") < 2) {
    return fail(usage_error("use --threads", "a thread alone keeps the CPU whatever its slice",
                            "2 or more"));
  }
  if (values.has("slice-us")) {
    return fail(usage_error("use --slice-us", "the two halves have slices of their own",
                            "use --first-us and --second-us"));
  }
  if (values.has("ops")) {
    return fail(usage_error("use --ops", "the halves are halves of time", "use --duration"));
  }
  return {};
}

Result<void> run(const Values& values, Stage& stage) {
  const Nanos first = std::chrono::microseconds{values.integer("first-us")};
  const Nanos second = std::chrono::microseconds{values.integer("second-us")};
  const Nanos half = values.duration("duration") / 2;
  const auto threads = static_cast<std::size_t>(values.integer("threads"));
  const auto body = [&](Worker& worker) -> Result<void> {
    constexpr std::uint64_t kBetweenLooks = 10'000;  // some microseconds
    const Time middle = now() + half;
    // Again after a warm-up, which ended with the other one.
    if (auto asked = apply(stage.scheduling(), worker.position(), {.slice = first}); !asked) {
      return asked;
    }
    worker.mark(MarkerKind::kPhase, 0, 0);
    worker.fact("first_granted_ns", granted_slice_ns());
    std::int64_t units = 0;
    const auto compute = [&](std::optional<Time> until) {
      while (!worker.stopping() && (!until || now() < *until)) {
        spin_iterations(kBetweenLooks);
        ++units;
      }
    };
    compute(middle);
    if (auto asked = apply(stage.scheduling(), worker.position(), {.slice = second}); !asked) {
      return asked;
    }
    worker.fact("second_granted_ns", granted_slice_ns());
    worker.mark(MarkerKind::kPhase, 1, 0);
    compute(std::nullopt);
    worker.fact("ops", units);
    return {};
  };
  std::vector<ThreadPlan> plans(threads, {"spinner", body, {.slice = first}});
  if (auto done = stage.perform(std::move(plans)); !done) return done;
  stage.fact("first_asked_ns", to_ns(first));
  stage.fact("second_asked_ns", to_ns(second));
  return {};
}

}  // namespace

Spec custom_slices() {
  return {.name = "custom-slices",
          .idea = "Cooperative and preemptive multitasking",
          .summary = "threads that ask for a time slice of their own: turns of whole ticks",
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
