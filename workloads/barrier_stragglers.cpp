// Work that is shared out unevenly: everybody waits at the barrier for the slowest.
#include <cmath>

#include "workloads/parallel/rounds.h"
#include "workloads/specs.h"

namespace observe::workloads {
namespace {

constexpr Parameter kParameters[] = {
    {.name = "unit",
     .type = ParameterType::kDuration,
     .minimum = "100us",
     .maximum = "10s",
     .fallback = "10ms",
     .help = "CPU time of the smallest share of a round"},
    {.name = "skew",
     .type = ParameterType::kReal,
     .minimum = "1",
     .maximum = "100",
     .fallback = "1.5",
     .help = "how many times the smallest share the largest one is; those between grow evenly"},
    kUnpinned,
};

constexpr Role kRoles[] = {{kRoundsRole, "does its share, then waits at the barrier"}};

constexpr PredictionSpec kPredictions[] = {
    {"speed-up", "Σw / max(w), w: shares of the CPUs",
     "the same work took more CPU time when shared out, or starting threads took a tenth of the "
     "time"},
    {"CPUs at work", "the same, while the work is shared out", "as for the speed-up"},
    {"waiting at the barrier", "Σ(max(w) − w) / (N · max(w))", "as for the speed-up"},
};

constexpr std::string_view kExplanation =
    R"(THE IDEA. Threads that work in steps meet at a barrier after each step: nobody goes
on before all have come. The step takes as long as its slowest thread, the
straggler. The others have finished and wait; their CPUs are idle although there
is work to come.

WHAT IT DOES. In every round one thread first does all shares alone, one after the
other. Then N threads (--threads) do one share each, thread i on the i-th CPU, and
meet at a barrier. The smallest share takes --unit, the largest --skew times that.
Waiting threads sleep in the kernel (futex). This is repeated until --duration is
over. The phases are marked in the recording.

THE PREDICTION. With shares w, and a CPU for each thread,

    time of a step  = max(w)
    speed-up        = Σw / max(w)
    waiting, as a part of all threads' time = Σ(max(w) − w) / (N · max(w))

With shares of 10 and 15 ms: 25/15 = 1.67 instead of 2, and 5 of 30 ms spent at the
barrier. With more threads than CPUs w is what each CPU has in all. What the
barrier itself costs is measured in every round, without work, and is allowed for.

WHAT TO LOOK FOR
  1. observe --workload barrier-stragglers
     Who is blocked in futex, and for how long in each round?
  2. the same with --skew 1, then 4
     First write down the speed-up. Where does the lost time show in the state bars?
  3. compare 2. with `amdahl`
     What do a straggler and a serial part have in common?
  4. --place one
     There is a barrier but no idle CPU: does anybody still wait for the straggler?)";

// From one unit to skew units, in even steps.
Shares shares_of(const Values& values) {
  const auto threads = static_cast<std::size_t>(values.integer("threads"));
  const auto unit = static_cast<double>(to_ns(values.duration("unit")));
  Shares shares;
  for (std::size_t i = 0; i < threads; ++i) {
    const double step =
        threads > 1 ? static_cast<double>(i) / static_cast<double>(threads - 1) : 0.0;
    shares.parts.push_back(Nanos{std::llround(unit * (1 + (values.real("skew") - 1) * step))});
  }
  return shares;
}

Result<void> validate(const Values& values, const Machine&) {
  return validate_rounds(values, shares_of(values));
}

Result<void> run(const Values& values, Stage& stage) {
  return perform_rounds(values, stage, shares_of(values));
}

}  // namespace

Spec barrier_stragglers() {
  return {.name = "barrier-stragglers",
          .idea = "Concurrency and parallelism",
          .summary = "uneven shares meet at a barrier: all wait for the slowest",
          .explanation = kExplanation,
          .parameters = kParameters,
          .defaults = {},
          .roles = kRoles,
          .predictions = kPredictions,
          .thread_count = nullptr,
          .rights = nullptr,
          .validate = validate,
          .run = run};
}

}  // namespace observe::workloads
