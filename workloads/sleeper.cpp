// A thread that sleeps, wakes for a moment and sleeps again, while others compute: how long from
// its wake-up to the CPU?
#include <time.h>

#include <cerrno>

#include "workloads/fair/rules.h"
#include "workloads/frame/clock.h"
#include "workloads/frame/stage.h"
#include "workloads/frame/work_unit.h"
#include "workloads/specs.h"

namespace observe::workloads {
namespace {

constexpr Parameter kParameters[] = {
    {.name = "hogs",
     .type = ParameterType::kInteger,
     .unit = "threads",
     .minimum = "1",
     .maximum = "32",
     .fallback = "1",
     .help = "how many threads compute all the time on the sleeper's CPU"},
    {.name = "period-us",
     .type = ParameterType::kInteger,
     .unit = "us",
     .minimum = "500",
     .maximum = "50000",
     .fallback = "5000",
     .help =
         "how long it sleeps in the mean: each sleep is drawn from half to one and a half of it"},
    {.name = "unit-us",
     .type = ParameterType::kInteger,
     .unit = "us",
     .minimum = "1",
     .maximum = "1000",
     .fallback = "50",
     .help = "how long it computes when it has woken"},
    {.name = "sleeper-slice-us",
     .type = ParameterType::kInteger,
     .unit = "us",
     .minimum = "100",
     .maximum = "100000",
     .help = "time slice that the sleeper alone asks for (kernels from 6.12 on); default: the "
             "kernel's"},
};

constexpr Default kDefaults[] = {{"threads", "2"}, {"place", "one"}, {"duration", "2s"}};

constexpr Role kRoles[] = {{"sleeper", "sleeps, computes for a moment, sleeps again"},
                           {"hog", "computes all the time"}};

constexpr PredictionSpec kPredictions[] = {
    {"median", "below tick / 2: it gets in at its wake-up, not at the next tick",
     "fewer than 100 wake-ups, or a disturbed machine"},
    {"nine of ten", "at most hogs · turn: no hog has more than a turn before it",
     "fewer than 100 wake-ups, or a disturbed machine"},
    {"short slice", "with --sleeper-slice-us below the hogs' slice: nine of ten below tick / 2",
     "fewer than 100 wake-ups, or a disturbed machine; cannot tell before 6.12"},
};

constexpr std::string_view kExplanation =
    R"(THE IDEA. An editor, a sound server, a shell: they sleep nearly all the time
and want the CPU at once when something happens. Beside them a compiler may
compute without end. Fairness alone would let a sleeper wait its turn. Good
schedulers see that it is owed time: it had its share and did not use it.

WHAT IT DOES. A sleeper and some hogs (--hogs) share one CPU. The sleeper
sleeps for --period-us in the mean, of random length, so that it does not fall
into step with the kernel's tick; computes for --unit-us; and sleeps again. The
hogs compute all the time.

THE PREDICTION. When a thread wakes, EEVDF asks two things. Is it eligible,
that is: has it had no more than its share? And is its deadline the earliest? A
sleeper that uses less than its share is owed time most of the time, and so the
running hog becomes ineligible and is preempted there and then. Had it to wait
for the kernel's next tick instead, half of all waits would be longer than half
a tick. So

    median wait < tick / 2

If it is not owed anything, it waits until the turn of each hog before it is
over:

    wait <= hogs * turn           turn = slice, rounded up to whole ticks

which must hold for nine of ten. The longest waits vary from run to run and are
not judged.

From Linux 6.12 on a thread may ask for a slice of its own. One that asks for
less than the running thread has an earlier deadline when it wakes, and the
kernel then preempts even a thread whose slice has just begun: with a short
--sleeper-slice-us nine of ten waits must be below tick / 2 too.

WHAT TO LOOK FOR
  1. observe --workload sleeper
     Waits by p50, p90, p99: where does the distribution break?
  2. the same with --hogs 3
     Which of the figures grow with the number of hogs?
  3. the same with --sleeper-slice-us 100
     What became of the longest waits? What did the sleeper give up for it?
  4. the same with --period-us 500 --unit-us 1000
     It wants more than its share now. Is it still let in at once?)";

std::int64_t thread_count(const Values& values) { return 1 + values.integer("hogs"); }

Result<void> validate(const Values& values, const Machine&) {
  if (auto rivals = check_fair_rivals(values); !rivals) return rivals;
  const std::int64_t threads = thread_count(values);
  if (values.integer("threads") == 2 || values.integer("threads") == threads) return {};
  return check_thread_count(values, threads, "choose the number of hogs: --hogs");
}

void sleep_for(Nanos time) {
  timespec left{.tv_sec = static_cast<time_t>(to_ns(time) / 1'000'000'000),
                .tv_nsec = static_cast<long>(to_ns(time) % 1'000'000'000)};
  while (nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
}

Result<void> run(const Values& values, Stage& stage) {
  const Nanos period = std::chrono::microseconds{values.integer("period-us")};
  const Nanos unit = std::chrono::microseconds{values.integer("unit-us")};
  const auto hogs = static_cast<std::size_t>(values.integer("hogs"));
  const std::uint64_t iterations = stage.work_unit().iterations(unit);
  std::optional<Nanos> slice;
  if (values.has("sleeper-slice-us")) {
    slice = std::chrono::microseconds{values.integer("sleeper-slice-us")};
  }

  std::vector<ThreadPlan> plans;
  plans.push_back({"sleeper",
                   [&](Worker& worker) -> Result<void> {
                     std::int64_t wakeups = 0;
                     const auto range = static_cast<std::uint64_t>(to_ns(period));
                     while (!worker.stopping() && wakeups != worker.operations()) {
                       // Half of the period at least: one sleep is never long before a stop.
                       sleep_for(period / 2 +
                                 Nanos{static_cast<std::int64_t>(worker.random() % range)});
                       spin_iterations(iterations);
                       ++wakeups;
                     }
                     worker.fact("ops", wakeups);
                     return {};
                   },
                   {.slice = slice}});
  for (std::size_t i = 0; i < hogs; ++i) {
    plans.push_back({"hog", [&](Worker& worker) -> Result<void> {
                       std::int64_t units = 0;
                       while (!worker.stopping() && units != worker.operations()) {
                         spin_iterations(iterations);
                         ++units;
                       }
                       worker.fact("ops", units);
                       return {};
                     }});
  }
  if (auto done = stage.perform(std::move(plans)); !done) return done;
  stage.fact("hogs", static_cast<std::int64_t>(hogs));
  stage.fact("period_ns", to_ns(period));
  stage.fact("unit_ns", to_ns(unit));
  stage.fact("asked_slice_ns", slice ? to_ns(*slice) : std::int64_t{0});
  stage.fact("wakeups", stage.threads().front().truth.at("ops"));
  return {};
}

}  // namespace

Spec sleeper() {
  return {.name = "sleeper",
          .idea = "Cooperative and preemptive multitasking",
          .summary = "a thread that wakes now and then beside hogs: how soon does it get the CPU?",
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
