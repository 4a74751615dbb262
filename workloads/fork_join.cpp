// One core against many: a batch of equal pieces of work, done by one thread and then by N.
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
     .help = "CPU time of one piece of work; a batch has one for each thread"},
    kUnpinned,
};

constexpr Default kDefaults[] = {{"threads", "4"}};

constexpr Role kRoles[] = {
    {kRoundsRole, "does its piece of the batch; the first does it all, too"}};

constexpr PredictionSpec kPredictions[] = {
    {"speed-up", "N / ⌈N/C⌉, C: CPUs used",
     "the same work took more CPU time when shared out, or starting threads took a tenth of the "
     "time"},
    {"CPUs at work", "N / ⌈N/C⌉ while the work is shared out", "as for the speed-up"},
};

constexpr std::string_view kExplanation =
    R"(THE IDEA. A second core makes nothing faster by itself. Work must be cut into
pieces that can be done at the same time (fork), and somebody must wait until the
last piece is done (join). As many pieces as there are CPUs run at once; the rest
waits for its turn, so the batch takes whole rounds of pieces.

WHAT IT DOES. A batch has N equal pieces of work (--threads N, of --unit CPU time
each). First one thread does all of them, one after the other. Then N threads do
one piece each: thread i on the i-th CPU, and on the first again when the CPUs run
out. This is repeated until --duration is over. The phases are marked in the
recording.

THE PREDICTION. With C CPUs the busiest one has N/C pieces, rounded up, so

    time alone   = N · unit
    time shared  = ⌈N/C⌉ · unit
    speed-up     = N / ⌈N/C⌉

Four pieces on two CPUs: 2. Three pieces on two CPUs: 1.5, not 2, because for half
of the time one CPU has nothing to do. What starting and collecting threads costs
is measured in every round, by a batch of no work, and is allowed for.

It is the kernel's events that tell how many CPUs were at work meanwhile. Work
that takes more CPU time when several CPUs are busy (they share a core, or a power
budget) makes the run inconclusive: the formula knows nothing of that.

WHAT TO LOOK FOR
  1. observe --workload fork-join
     How many times faster is it? How many CPUs were at work in each phase?
  2. the same with --threads 3, then 5
     First write down the speed-up. Which CPU is idle, and when?
  3. the same with --place one
     The same threads, concurrent but not parallel. What do they gain?
  4. --unit 100us
     What is left of the speed-up when starting threads costs as much as the work?
  5. --unpinned --threads 3
     The kernel may move a waiting thread to an idle CPU. Does it beat ⌈N/C⌉?)";

Shares shares_of(const Values& values) {
  return {.parts = std::vector<Nanos>(static_cast<std::size_t>(values.integer("threads")),
                                      values.duration("unit"))};
}

Result<void> validate(const Values& values, const Machine&) {
  return validate_rounds(values, shares_of(values));
}

Result<void> run(const Values& values, Stage& stage) {
  return perform_rounds(values, stage, shares_of(values));
}

}  // namespace

Spec fork_join() {
  return {.name = "fork-join",
          .idea = "Concurrency and parallelism",
          .summary = "one core against many: the same batch by one thread and by N",
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
