// More threads that compute than CPUs: the CPUs are the same, only the waiting grows.
#include "workloads/parallel/spin.h"
#include "workloads/specs.h"

namespace observe::workloads {
namespace {

// Twice as many threads as CPUs unless told otherwise.
constexpr Default kDefaults[] = {{"threads", ""}};

constexpr Role kRoles[] = {{"spinner", "computes and never gives its CPU up by itself"}};

constexpr PredictionSpec kPredictions[] = {
    {"CPU time", "∫ min(n, C) dt, n threads in progress: min(N, C) · D",
     "a disturbed machine, or the kernel left a CPU idle while threads waited"},
    {"waiting", "∫ max(n − C, 0) dt: (N − C) · D", "as for the CPU time"},
    {"waiting, the kernel's account", "the same", "as for the CPU time"},
};

constexpr std::string_view kExplanation =
    R"(THE IDEA. A thread is not a CPU. When more threads want to compute than there are
CPUs, the work that gets done per second does not grow any more. What grows is the
time that threads spend ready to run, and not running.

WHAT IT DOES. N threads (--threads; by default twice as many as CPUs) compute on C
CPUs for --duration D. The kernel places them, and moves them as it likes.

THE PREDICTION. All CPUs are busy, and everybody else waits:

    CPU time of all threads together = min(N, C) · D
    waiting of all threads together  = (N − C) · D

To be exact about the ends, where not all threads are in progress, the report adds
up min(n, C) and n − C over the time that n threads were in progress. The waiting
is measured twice: from the scheduler's events, and from the kernel's own account
(the second number in /proc/TID/schedstat, "run delay"), which any user can read.

Both formulas assume that no CPU is idle while somebody waits. The kernel does not
promise that: it balances every few milliseconds, not always. Where it left CPUs
idle the report says for how long, and does not judge.

WHAT TO LOOK FOR
  1. observe --workload oversubscribe
     Add up the state bar: what part of the threads' time is waiting?
  2. the same with --threads 3 on two CPUs, then 6, then 12
     Write down both sums first. Which of the two changes?
  3. Compare `ops` (work done by all threads) between these runs.
  4. --threads 3 on two CPUs: is each thread's share 2/3? How does the kernel get
     there, and how many migrations does it take?)";

std::int64_t thread_count(const Values& values) {
  if (values.has("threads")) return values.integer("threads");
  const Scheduling scheduling = scheduling_of(values);
  const auto cpus = static_cast<std::int64_t>(scheduling.cpus.size());
  return scheduling.place == Place::kOne ? 2 : 2 * cpus;
}

Result<void> run(const Values& values, Stage& stage) {
  const WorkUnit unit = stage.work_unit();
  std::vector<ThreadPlan> plans(static_cast<std::size_t>(thread_count(values)),
                                {"spinner", [&unit](Worker& worker) -> Result<void> {
                                   worker.fact("ops", spin_pieces(worker, unit));
                                   return {};
                                 }});
  if (auto done = stage.perform(std::move(plans)); !done) return done;
  const Scheduling& scheduling = stage.scheduling();
  stage.fact("cpus", static_cast<std::int64_t>(scheduling.one_cpu() ? std::size_t{1}
                                                                    : scheduling.cpus.size()));
  stage.fact("ops", stage.total("ops"));
  return {};
}

}  // namespace

Spec oversubscribe() {
  return {.name = "oversubscribe",
          .idea = "Concurrency and parallelism",
          .summary = "more computing threads than CPUs: only the waiting grows",
          .explanation = kExplanation,
          .parameters = {},
          .defaults = kDefaults,
          .roles = kRoles,
          .predictions = kPredictions,
          .thread_count = thread_count,
          .rights = nullptr,
          .validate = nullptr,
          .run = run};
}

}  // namespace observe::workloads
