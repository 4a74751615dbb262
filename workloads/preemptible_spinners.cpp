// Threads that compute without end: on one CPU the kernel takes turns among them, on several they
// truly run at the same time.
#include "workloads/parallel/spin.h"
#include "workloads/specs.h"

namespace observe::workloads {
namespace {

constexpr Default kDefaults[] = {{"place", "one"}};

constexpr Role kRoles[] = {{"spinner", "computes and never gives its CPU up by itself"}};

constexpr PredictionSpec kPredictions[] = {
    {"turn", "q = ⌈slice / tick⌉ · tick", "fewer than 20 turns, or a disturbed machine"},
    {"wait", "(N−1) · q", "fewer than 20 turns, or a disturbed machine"},
    {"turns per second", "1 / q", "fewer than 20 turns, or a disturbed machine"},
    {"largest share", "1 / N", "fewer than 20 turns, or a disturbed machine"},
    {"CPUs at work", "N, each on a CPU of its own", "a disturbed machine"},
};

constexpr std::string_view kExplanation =
    R"(THE IDEA. Many tasks can be in progress on one CPU. That is concurrency: at any
moment one of them runs and the others wait for their turn. Tasks that run at the
same moment, on several CPUs, are parallel. A task that computes never gives its
CPU up by itself, so on one CPU somebody must take it away: the kernel does, by
the timer interrupt. That is preemption.

WHAT IT DOES. N threads (--threads) compute for --duration. They never sleep, and
make no system call. With --place one (the default) they share one CPU.

THE PREDICTION. Linux grants each of them a slice. That a slice is used up is
noticed at the next tick of the clock, HZ times a second, so that a turn lasts
whole ticks:

    q = slice / tick, rounded up, times tick        (a turn)
    wait of each thread between its turns = (N-1) q
    turns per second = 1 / q
    share of the CPU = 1 / N

A slice of 1.4 ms and a tick of 4 ms make turns of 4 ms, not of 1.4. The report
reads the slice from the kernel and the tick from its configuration. Before 6.6
(CFS) the slice is a period divided by N, and q shrinks as N grows.

With --slice-us S all threads ask for slices of S (EEVDF, from 6.12 on): q is S
rounded up to whole ticks. All must ask: who runs is protected only for the
shortest slice that anybody in the queue has.

With --place spread each thread has a CPU of its own, as many are at work as there
are threads, and nobody waits.

WHAT TO LOOK FOR
  1. observe --workload preemptible-spinners
     How long is a turn? Is it the slice, or a whole number of ticks?
  2. the same with --threads 4
     The turn stays (EEVDF). What happens to the wait between two turns?
  3. the same with --slice-us 5000, then 100
     Write down both turns first. Can a turn be shorter than a tick?
  4. --place spread
     Where have the switches gone?
  5. Compare the work done, `ops` of all threads, between 1 and 4.)";

Result<void> run(const Values& values, Stage& stage) {
  const WorkUnit unit = stage.work_unit();
  std::vector<ThreadPlan> plans(static_cast<std::size_t>(values.integer("threads")),
                                {"spinner", [&unit](Worker& worker) -> Result<void> {
                                   worker.fact("ops", spin_pieces(worker, unit));
                                   return {};
                                 }});
  if (auto done = stage.perform(std::move(plans)); !done) return done;
  stage.fact("one_cpu", stage.scheduling().one_cpu());
  stage.fact("spread", stage.scheduling().place == Place::kSpread);
  stage.fact("ops", stage.total("ops"));
  return {};
}

}  // namespace

Spec preemptible_spinners() {
  return {.name = "preemptible-spinners",
          .idea = "Concurrency and parallelism",
          .summary = "threads that only compute: turns on one CPU, at once on several",
          .explanation = kExplanation,
          .parameters = {},
          .defaults = kDefaults,
          .roles = kRoles,
          .predictions = kPredictions,
          .thread_count = nullptr,
          .rights = nullptr,
          .validate = nullptr,
          .run = run};
}

}  // namespace observe::workloads
