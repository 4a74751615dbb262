// Threads add to one counter. Without a lock they lose updates, and the workload knows exactly how
// many; with one they lose time, and the workload measures how much.
#include <cmath>

#include <fmt/format.h>

#include "workloads/counter/kinds.h"
#include "workloads/frame/stage.h"
#include "workloads/frame/work_unit.h"
#include "workloads/specs.h"

namespace observe::workloads {
namespace {

constexpr std::string_view kLocks[] = {"none", "plain",  "relaxed",    "incmem",  "atomic", "mutex",
                                       "spin", "ticket", "fifo-futex", "sharded", "packed", "rseq"};

constexpr Parameter kParameters[] = {
    {.name = "lock",
     .type = ParameterType::kChoice,
     .fallback = "none",
     .choices = kLocks,
     .help =
         "how the counter is protected: none (load, add, store, with a ledger), plain (the same "
         "without), relaxed (C++ relaxed atomics), incmem (one instruction), atomic, mutex, "
         "spin, ticket, fifo-futex (handed over in order), sharded (a counter per thread), "
         "packed (the same in one cache line), rseq (a counter per CPU, restartable)"},
    {.name = "window",
     .type = ParameterType::kInteger,
     .unit = "loop iterations",
     .minimum = "0",
     .maximum = "10000000",
     .help =
         "turns of an empty loop between load and store, which widen the race; default: 100 with "
         "--lock none, else 0"},
    {.name = "gap",
     .type = ParameterType::kInteger,
     .unit = "loop iterations",
     .minimum = "0",
     .maximum = "10000000",
     .help = "turns of an empty loop between one increment and the next; default: as for --window"},
    {.name = "jitter",
     .type = ParameterType::kFlag,
     .fallback = "off",
     .help =
         "gaps of random length, 0 to twice --gap: keeps loops on two CPUs from falling in step"},
};

constexpr Default kDefaults[] = {{"place", "one"}};

constexpr Role kRoles[] = {{"counter", "adds one to the shared counter, again and again"}};

constexpr PredictionSpec kPredictions[] = {
    {"ledger", "expected − observed = Σ (overwritten − loaded)", ""},
    {"stale stores", "one for each preemption between load and store during which another ran",
     "events were lost"},
    {"lost share", "p(N−1) / (1 + p(N−1)), p: share of preemptions between load and store",
     "fewer than 100 preemptions, or a disturbed machine"},
    {"lost updates", "0 with a lock, or with one instruction on one CPU", ""},
    {"restarts", "rseq: at least one for each switch within the sequence", "events were lost"},
};

constexpr std::string_view kExplanation =
    R"(THE IDEA. `count += 1` looks like one step and is three: load the count, add one, store the sum. A
thread that is stopped between its load and its store wakes up with a number that has grown old. When
it stores, it wipes out everything that others added meanwhile. Nothing crashes; the count is wrong.

WHAT IT DOES. N threads (--threads) add one to the same counter for --duration. With --lock none each
increment is three instructions, written in assembly so that no compiler can fuse them. The store is
an exchange: it returns what it overwrites, so each thread knows when it threw away the work of
others, and how much. The books must balance to the last unit:

    expected - observed = sum of (overwritten - loaded) over all stale stores

ON ONE CPU (the default, --place one) only one thread runs at a time, and the kernel takes turns by
preemption. A loss needs exactly this: the timer interrupt hits between load and store, and another
counter thread runs before the first one returns. The kernel's events record where each thread was
when it was stopped, so every stale store can be matched with the one preemption that caused it.

THE PREDICTION. One such preemption does not lose one update. It loses a whole time slice of the
others' work, a hundred thousand updates and more. Let p be the share of preemptions that hit between load and store. A slice
that follows a clean one adds K to the counter; a slice that starts with a stale value falls back to
where its thread stopped, N slices ago, before it adds K. In the mean each slice gains
K / (1 + p(N-1)), and what is lost is

    lost share = p(N-1) / (1 + p(N-1))

p is measured, not assumed. An empty loop of 100 turns widens the race and another one of 100 turns
keeps the increments apart, so that about half of the preemptions hit; choose with --window W and
--gap G, and p comes near W / (W + G). With --window 0 --gap 0 the three instructions stand bare, and
p is up to the processor: interrupts come in where it waits, which may be inside the race or not.

ON TWO CPUS (--place spread) the threads truly run at once. Their loads and stores interleave in
hardware, and a good part of the updates is lost with hardly a preemption to blame. How many cannot
be predicted: the two loops may fall into step. The ledger still balances exactly.

THE FIXES, and their price: atomic (one locked instruction), mutex (sleeps when it must wait), spin
and ticket (wait by burning CPU time; on one CPU a waiter burns its whole slice while the holder
waits for the CPU), fifo-futex (handed over in the order of arrival; sleeps while it waits), sharded
(a counter per thread, added up at the end), packed (the same, but the counters share a cache line),
rseq (a counter per CPU; the kernel restarts an increment that it interrupted). All must lose
nothing. The report states what each increment cost beside one of none, which the workload measures
alone in the same process: how many times the CPU time, and how many switches and how much time off
the CPU for each. (none is only preempted and never blocks. With --window or --gap the empty loops
outweigh the increment, and no factor is given.)

WHAT TO LOOK FOR
  1. observe --workload contended-counter
     How much is lost, and does each loss have its preemption?
  2. the same with --window 100 --gap 900, then --window 900 --gap 100
     First write down what you expect. Then compare.
  3. the same with --place spread
     Updates are lost again. How many of them can preemptions account for?
  4. the same with --lock incmem, on one CPU and spread
     One instruction cannot be interrupted half-way. Is it enough?
  5. --lock mutex, spin, ticket, atomic, sharded, rseq, each on one CPU and spread
     Which is cheapest where? Count the switches per increment.)";

// Unless told otherwise half of the time is spent between load and store, so that the lesson is the
// same on every processor. A lock is to be measured bare.
std::int64_t turns_of(std::string_view parameter, const Values& values) {
  constexpr std::int64_t kRaceTurns = 100;
  if (values.has(parameter)) return values.integer(parameter);
  return values.text("lock") == "none" ? kRaceTurns : 0;
}

Result<void> validate(const Values& values, const Machine&) {
  const CounterKind& kind = counter_kind(values.text("lock"));
  const std::int64_t window = turns_of("window", values);
  if (window > 0 && !kind.has_window) {
    return fail(usage_error("use --window", fmt::format("--lock {} has nothing between a load and "
                                                        "a store that could be widened",
                                                        kind.name)));
  }
  if (values.flag("jitter") && turns_of("gap", values) == 0) {
    return fail(usage_error("use --jitter", "there is no gap that could vary", "add --gap 100"));
  }
  if (kind.name != "rseq") return {};
  if (!rseq_registered()) {
    return fail(Error{.action = "use --lock rseq",
                      .reason = "the C library has not registered restartable sequences",
                      .advice = "it needs glibc 2.35 and a kernel with CONFIG_RSEQ; see that "
                                "GLIBC_TUNABLES does not set glibc.pthread.rseq=0",
                      .failure = Failure::kNotAllowed});
  }
  // A sequence that is longer than a time slice is restarted for ever.
  constexpr std::int64_t kLongestSequence = 100'000;
  if (window > kLongestSequence) {
    return fail(usage_error("use --window", fmt::format("a restartable sequence of more than {} "
                                                        "turns might never come to its end",
                                                        kLongestSequence)));
  }
  return {};
}

void report_thread(Worker& worker, const CounterTally& tally) {
  worker.fact("ops", tally.operations);
  worker.fact("ledger_sum", tally.ledger);
  worker.fact("stale_stores", tally.stale);
  worker.fact("stale_marked", tally.marked);
  worker.fact("stale_nothing_or_less", tally.thrown[std::size_t(Thrown::kNothingOrLess)]);
  worker.fact("stale_one", tally.thrown[std::size_t(Thrown::kOne)]);
  worker.fact("stale_below_1000", tally.thrown[std::size_t(Thrown::kBelow1000)]);
  worker.fact("stale_more", tally.thrown[std::size_t(Thrown::kMore)]);
  worker.fact("restarts", tally.restarts);
}

void report_ledger(Stage& stage, std::int64_t lost) {
  for (const char* name : {"stale_stores", "stale_marked", "ledger_sum", "stale_nothing_or_less",
                           "stale_one", "stale_below_1000", "stale_more"}) {
    stage.fact(name, stage.total(name));
  }
  stage.fact("ledger_exact", stage.total("ledger_sum") == lost);
}

void report_costs(Stage& stage, std::int64_t operations) {
  const auto each = [operations](std::int64_t sum) {
    return operations > 0 ? static_cast<double>(sum) / static_cast<double>(operations) : 0.0;
  };
  stage.fact("ns_per_op", each(to_ns(stage.span())));
  stage.fact("cpu_ns_per_op", each(stage.total("cpu_ns")));
  stage.fact("nvcsw_per_op", each(stage.total("nvcsw")));
  stage.fact("nivcsw_per_op", each(stage.total("nivcsw")));
}

Result<void> run(const Values& values, Stage& stage) {
  const CounterKind& kind = counter_kind(values.text("lock"));
  const auto threads = static_cast<std::size_t>(values.integer("threads"));
  const CounterLoop loop{.window = static_cast<std::uint64_t>(turns_of("window", values)),
                         .gap = static_cast<std::uint64_t>(turns_of("gap", values)),
                         .jitter = values.flag("jitter"),
                         .mark_all = stage.scheduling().one_cpu()};
  // What an increment costs when nobody else counts.
  const auto unlocked = [&loop](std::uint64_t count) {
    alignas(64) std::uint64_t alone = 0;
    plain_increments(&alone, {.count = count, .window = loop.window, .gap = loop.gap});
  };
  // The same with the increment of --lock none, which keeps a ledger.
  const auto tagged = [&loop](std::uint64_t count) {
    alignas(64) std::uint64_t alone = 0;
    Overwrite last;
    tagged_increments(&alone, {.count = count, .window = loop.window, .gap = loop.gap}, 1, &last);
  };
  const double unlocked_ns = calibrate(unlocked);
  const double none_ns = calibrate(tagged);
  const double work_ns = stage.calibrate_work();

  CounterState state(threads);
  std::vector<ThreadPlan> plans(threads, {"counter", [&](Worker& worker) -> Result<void> {
                                            CounterTally tally;
                                            kind.run(worker, state, loop, tally);
                                            report_thread(worker, tally);
                                            return {};
                                          }});
  if (auto done = stage.perform(std::move(plans), [&] { state.reset(); }); !done) return done;

  const std::int64_t expected = stage.total("ops");
  const auto observed = static_cast<std::int64_t>(state.observed(kind.name));
  stage.fact("lock", std::string(kind.name));
  stage.fact("one_cpu", stage.scheduling().one_cpu());
  stage.fact("expected", expected);
  stage.fact("observed", observed);
  stage.fact("lost", expected - observed);
  if (kind.name == "none") report_ledger(stage, expected - observed);
  if (kind.name == "rseq") stage.fact("restarts", stage.total("restarts"));
  if (kind.window != nullptr) {
    const RacyWindow window = kind.window().value();
    stage.fact("rmw_load", static_cast<std::int64_t>(window.load));
    stage.fact("rmw_begin", static_cast<std::int64_t>(window.begin));
    stage.fact("rmw_store", static_cast<std::int64_t>(window.store));
    stage.fact("rmw_end", static_cast<std::int64_t>(window.end));
  }
  stage.fact("window", static_cast<std::int64_t>(loop.window));
  stage.fact("gap", static_cast<std::int64_t>(loop.gap));
  stage.fact("window_ns", static_cast<double>(loop.window) * work_ns);
  stage.fact("gap_ns", static_cast<double>(loop.gap) * work_ns);
  stage.fact("unlocked_cpu_ns_per_op", unlocked_ns);
  stage.fact("none_cpu_ns_per_op", none_ns);
  stage.fact("none_error", std::abs(calibrate(tagged) / none_ns - 1));
  stage.fact("unlocked_error", std::abs(calibrate(unlocked) / unlocked_ns - 1));
  report_costs(stage, expected);
  return {};
}

}  // namespace

Spec contended_counter() {
  return {.name = "contended-counter",
          .idea = "Shared state, races and locks",
          .summary = "threads add to one counter: what a race loses, and what each fix costs",
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
