// The same threads where the kernel puts them, and then each on a CPU of its own.
#include <array>
#include <limits>
#include <optional>

#include "workloads/frame/clock.h"
#include "workloads/parallel/spin.h"
#include "workloads/specs.h"

namespace observe::workloads {
namespace {

constexpr Role kRoles[] = {
    {"spinner", "computes, first where the kernel puts it, then pinned to a CPU"}};

constexpr PredictionSpec kPredictions[] = {
    {"migrations, pinned", "0", "events were lost"},
    {"CPUs at work, pinned", "min(N, C)", "a disturbed machine"},
};

constexpr std::string_view kExplanation =
    R"(THE IDEA. Which CPU a thread runs on is the kernel's choice, made when the thread
is created or woken and revised by load balancing. It is a guess about the future.
A program that knows better can pin its threads (sched_setaffinity). It then has
no migrations, and no help either when the guess was its own.

WHAT IT DOES. N threads (--threads) compute. For the first half of --duration they
are free to run on all of --cpus. Then thread i pins itself to the i-th of the
CPUs (and to the first again when they run out), and computes on. The two phases
are marked in the recording.

THE PREDICTION. Pinned threads do not migrate: 0, exactly. With a CPU for each of
them all are at work all the time, as many CPUs as there are threads.

For the free phase there is no formula, and the report only tells what it
measured: how often threads were moved, and how long they shared a CPU while
another one was idle. That may last for tens of milliseconds after the start, and
depends on the kernel's version, on the machine's topology and on boot options;
unusual ones stand in the report.

WHAT TO LOOK FOR
  1. observe --workload placement --reps 5
     Do the free threads start on separate CPUs? In how many of the runs?
  2. the same with --threads 1 and --threads 3 on two CPUs
     One thread: who moves it, and what for? Three: the kernel moves them again and
     again, to be fair. What does pinning do to fairness?
  3. Compare `ops_free` and `ops_pinned`.)";

// Both phases, told apart by the clock or by --ops.
class Half {
 public:
  Half(const Values& values, const Worker& worker) {
    if (const auto operations = worker.operations()) {
      pieces_ = *operations / 2;
    } else {
      until_ = now() + values.duration("duration") / 2;
    }
  }
  bool over(std::int64_t done) const { return until_ ? now() >= *until_ : done >= pieces_; }

 private:
  std::optional<Time> until_;
  std::int64_t pieces_ = 0;
};

Result<void> work(const Values& values, const Scheduling& scheduling, const WorkUnit& unit,
                  Worker& worker) {
  const std::uint64_t piece = unit.iterations(kSpinPiece);
  // A warm-up has pinned it.
  if (auto moved = move_to(scheduling.cpus); !moved) return moved;
  const Half first(values, worker);
  std::int64_t free_pieces = 0;
  worker.mark(MarkerKind::kPhase, 0, 0);
  for (; !worker.stopping() && !first.over(free_pieces); ++free_pieces) spin_iterations(piece);

  const Cpu own = scheduling.cpus[worker.position() % scheduling.cpus.size()];
  if (auto moved = move_to(std::array{own}); !moved) return moved;
  worker.mark(MarkerKind::kPhase, 1, 0);
  const std::int64_t wanted =
      worker.operations().value_or(std::numeric_limits<std::int64_t>::max()) - free_pieces;
  std::int64_t pinned_pieces = 0;
  for (; !worker.stopping() && pinned_pieces < wanted; ++pinned_pieces) spin_iterations(piece);
  worker.fact("ops_free", free_pieces);
  worker.fact("ops_pinned", pinned_pieces);
  return {};
}

Result<void> validate(const Values& values, const Machine&) {
  if (scheduling_of(values).place == Place::kFree) return {};
  return fail(usage_error("use --place",
                          "this workload first leaves its threads free and then "
                          "pins them",
                          "choose the CPUs with --cpus"));
}

Result<void> run(const Values& values, Stage& stage) {
  const WorkUnit unit = stage.work_unit();
  const Scheduling& scheduling = stage.scheduling();
  std::vector<ThreadPlan> plans(
      static_cast<std::size_t>(values.integer("threads")),
      {"spinner", [&](Worker& worker) { return work(values, scheduling, unit, worker); }});
  if (auto done = stage.perform(std::move(plans)); !done) return done;
  stage.fact("cpus", static_cast<std::int64_t>(scheduling.cpus.size()));
  stage.fact("ops_free", stage.total("ops_free"));
  stage.fact("ops_pinned", stage.total("ops_pinned"));
  return {};
}

}  // namespace

Spec placement() {
  return {.name = "placement",
          .idea = "Concurrency and parallelism",
          .summary = "where the kernel puts threads, against each pinned to a CPU",
          .explanation = kExplanation,
          .parameters = {},
          .defaults = {},
          .roles = kRoles,
          .predictions = kPredictions,
          .thread_count = nullptr,
          .rights = nullptr,
          .validate = validate,
          .run = run};
}

}  // namespace observe::workloads
