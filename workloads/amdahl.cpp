// What cannot be shared out limits what sharing out the rest can gain.
#include "workloads/parallel/rounds.h"
#include "workloads/specs.h"

namespace observe::workloads {
namespace {

constexpr Parameter kParameters[] = {
    {.name = "serial",
     .type = ParameterType::kDuration,
     .minimum = "0ms",
     .maximum = "10s",
     .fallback = "10ms",
     .help = "CPU time of the part that only one thread can do"},
    {.name = "parallel",
     .type = ParameterType::kDuration,
     .minimum = "100us",
     .maximum = "10s",
     .fallback = "40ms",
     .help = "CPU time of the part that is shared out, over all threads"},
    kUnpinned,
};

constexpr Role kRoles[] = {{kRoundsRole, "does its share; the first does the serial part, too"}};

constexpr PredictionSpec kPredictions[] = {
    {"speed-up", "(σ+p) / (σ + ⌈N/C⌉ · p/N), C: CPUs used",
     "the same work took more CPU time when shared out, or starting threads took a tenth of the "
     "time"},
    {"CPUs at work", "the same, while the work is shared out", "as for the speed-up"},
};

constexpr std::string_view kExplanation =
    R"(THE IDEA. Most programs have a part that only one thread can do: read the input,
collect the result, hold the one lock. While it lasts all other CPUs are idle, and
no number of them makes it shorter. Gene Amdahl's law (1967) says what is left to
gain.

WHAT IT DOES. In every round one thread first does all the work alone: the serial
part σ (--serial) and the part that could be shared out, p (--parallel). Then it
does σ again, and all threads (--threads N) do p/N each, thread i on the i-th CPU.
This is repeated until --duration is over. The phases are marked in the recording.

THE PREDICTION. With N threads on as many CPUs

    speed-up = (σ + p) / (σ + p/N)

With σ = 10 ms and p = 40 ms, two CPUs give 50/30 = 1.67 instead of 2; a thousand
give 50/10.04, and never more than 5. More threads than CPUs share them: the
busiest CPU then has ⌈N/C⌉ shares of p/N. What starting and collecting threads
costs is measured in every round, by sharing out nothing, and is allowed for.

WHAT TO LOOK FOR
  1. observe --workload amdahl
     How much of the second CPU's time was used?
  2. the same with --serial 20ms, then 40ms, then 0ms
     First write down the speed-up.
  3. --serial 1ms --parallel 4ms
     The same law. Why does it hold less well for shorter pieces of work?
  4. --place one
     Without a second CPU there is nothing to gain, whatever σ is.)";

Shares shares_of(const Values& values) {
  const auto threads = values.integer("threads");
  return {.serial = values.duration("serial"),
          .parts = std::vector<Nanos>(static_cast<std::size_t>(threads),
                                      values.duration("parallel") / threads)};
}

Result<void> validate(const Values& values, const Machine&) {
  return validate_rounds(values, shares_of(values));
}

Result<void> run(const Values& values, Stage& stage) {
  return perform_rounds(values, stage, shares_of(values));
}

}  // namespace

Spec amdahl() {
  return {.name = "amdahl",
          .idea = "Concurrency and parallelism",
          .summary = "a part that only one thread can do limits the gain from many",
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
