// Items come by the clock and are handed over one by one, then in batches: fewer wake-ups, longer
// waiting.
#include <algorithm>

#include <fmt/format.h>

#include "workloads/frame/clock.h"
#include "workloads/frame/stage.h"
#include "workloads/queueing/schedule.h"
#include "workloads/specs.h"

namespace observe::workloads {
namespace {

constexpr Parameter kParameters[] = {
    {.name = "batch",
     .type = ParameterType::kInteger,
     .unit = "items",
     .minimum = "2",
     .maximum = "10000",
     .fallback = "16",
     .help = "items that are handed over with one wake-up in the second half of the run"},
    {.name = "apart",
     .type = ParameterType::kDuration,
     .minimum = "20us",
     .maximum = "100ms",
     .fallback = "200us",
     .help = "time from one item to the next"},
    {.name = "work",
     .type = ParameterType::kDuration,
     .minimum = "1us",
     .maximum = "50ms",
     .fallback = "20us",
     .help = "CPU time that each item takes"},
};

constexpr Default kDefaults[] = {{"threads", "1"}, {"place", "one"}};

constexpr Role kRoles[] = {{"consumer", "is woken for every batch and works off its items"}};

constexpr PredictionSpec kPredictions[] = {
    {"extra mean latency", "(B−1)(a+v)/2, v: CPU time of an item as measured",
     "fewer than 10 batches, or lost events"},
    {"wake-ups per item", "1 / B", "fewer than 10 batches, or lost events"},
    {"wake-ups, one by one", "1 per item", "fewer than 100 items, or lost events"},
};

constexpr std::string_view kExplanation =
    R"(THE IDEA. Waking a thread costs something: an interrupt, two switches, cold
caches. Who wakes it for a whole batch of items pays once and shares the price.
But the first item of a batch must wait until the last one has come. That is the
oldest bargain in computing: throughput against latency. Network cards strike it
(interrupt moderation), and so do disks, loggers, and everyone who fills a
lorry before sending it off.

WHAT IT DOES. One item comes every a (--apart), by the clock, whether or not
anybody is ready. In the first half of the run the consumer is woken for each
item. In the second half it is woken for every B-th one (--batch) and then works
off all B, each taking v of CPU time (--work). The latency of an item is counted
from the moment it came to the moment its work was done. A timer does the
waking, so that one thread and one CPU are enough.

THE PREDICTION. Item number j of a batch waits (B-j) times a for the batch to
fill, and then (j-1) times v for those in front of it. In the mean over all j
that is

    extra mean latency = (B-1)/2 * a + (B-1)/2 * v = (B-1)(a+v)/2

more than for items that come alone. How late a woken thread runs is in both
halves and drops out, but for the difference; that, and the time for which the
consumer lost its CPU in the midst of its work, is the tolerance. Wake-ups per
item must fall from 1 to 1/B, but for batches that come while the consumer is
still awake. The kernel's events count them.

WHAT TO LOOK FOR
  1. observe --workload batching
     What does an item cost in CPU time, alone and in a batch? What does it wait?
  2. the same with --batch 4, then --batch 64
     Latency grows with B, but the saving does not: from 16 to 64 there is
     hardly any left. Where would you stop?
  3. the same with --apart 40us --work 2us
     The busier the source, the cheaper is a batch. Why?
  4. the same with --apart 40us --work 35us
     Alone, items now come nearly as fast as they can be worked off, and wake-ups
     per item fall below 1 by themselves: who is late finds several waiting. That
     is batching too, without a timer to wait for: it comes with the load.)";

struct Half {
  std::int64_t items = 0;
  std::int64_t batches = 0;
  std::int64_t late = 0;  // batches that were due before the consumer was sure to be asleep
  Nanos latency{};        // sums
  Nanos lateness{};       // from due to begun
  Nanos service{};        // CPU time
};

struct Source {
  std::int64_t items = 0;  // of each half
  std::int64_t batch = 1;
  Nanos apart{};
  std::uint64_t iterations = 0;
  Nanos wake_cost{};  // CPU time for going to sleep and being woken
};

Half consume(Worker& worker, const Source& source) {
  Half half;
  const Time first = now() + source.apart;
  while (half.items < source.items) {
    const std::int64_t end = std::min(half.items + source.batch, source.items);
    const Time due = first + source.apart * (end - 1);
    if (due - now() < source.wake_cost) ++half.late;
    if (!sleep_until(worker, due)) break;
    const Nanos cpu = thread_cpu_time();
    half.lateness += std::max(Nanos{0}, now() - due);
    ++half.batches;
    for (; half.items < end; ++half.items) {
      const Time arrival = first + source.apart * half.items;
      const auto number = static_cast<std::uint64_t>(half.items);
      const auto stamp = static_cast<std::uint64_t>(to_ns(arrival));
      worker.mark(MarkerKind::kOperationBegin, number, stamp);
      spin_iterations(source.iterations);
      worker.mark(MarkerKind::kOperationEnd, number, stamp);
      half.latency += now() - arrival;
    }
    half.service += thread_cpu_time() - cpu;
  }
  return half;
}

void report(Stage& stage, const std::string& name, const Half& half) {
  const auto mean = [](Nanos sum, std::int64_t count) {
    return count > 0 ? static_cast<double>(to_ns(sum)) / static_cast<double>(count) : 0.0;
  };
  stage.fact(name + "_items", half.items);
  stage.fact(name + "_batches", half.batches);
  stage.fact(name + "_late_batches", half.late);
  stage.fact(name + "_mean_latency_ns", mean(half.latency, half.items));
  stage.fact(name + "_mean_service_ns", mean(half.service, half.items));
  stage.fact(name + "_mean_lateness_ns", mean(half.lateness, half.batches));
}

// Of each half: whole batches.
std::int64_t items_of(const Values& values) {
  if (values.has("ops")) return values.integer("ops");
  const std::int64_t items =
      arrival_period(values.duration("duration")) / 2 / values.duration("apart");
  return items - items % values.integer("batch");
}

Result<void> validate(const Values& values, const Machine&) {
  if (auto one = check_fixed_threads(values, 1, "one consumer works here"); !one) return one;
  const Nanos apart = values.duration("apart");
  if (values.duration("work") >= apart) {
    return fail(usage_error(
        "use --work", "items come faster than they can be worked off: the queue would only grow",
        "make --work shorter than --apart"));
  }
  const std::int64_t batch = values.integer("batch");
  if (items_of(values) == 0) {
    return fail(usage_error("use --batch", "no batch is filled in half of the run",
                            "use a longer --duration or a smaller --batch"));
  }
  if (items_of(values) % batch != 0) {
    return fail(usage_error(
        "use --ops",
        fmt::format("{} items are no whole number of batches of {}", items_of(values), batch)));
  }
  return {};
}

Result<void> run(const Values& values, Stage& stage) {
  const WorkUnit unit = stage.work_unit();
  const Source alone{.items = items_of(values),
                     .batch = 1,
                     .apart = values.duration("apart"),
                     .iterations = unit.iterations(values.duration("work")),
                     .wake_cost = measure_wake_cost()};
  Source batched = alone;
  batched.batch = values.integer("batch");
  Half halves[2];
  const auto body = [&](Worker& worker) -> Result<void> {
    ask_for_exact_timers();
    worker.mark(MarkerKind::kPhase, 0, 1);
    halves[0] = consume(worker, alone);
    worker.mark(MarkerKind::kPhase, 1, static_cast<std::uint64_t>(batched.batch));
    halves[1] = consume(worker, batched);
    return {};
  };
  if (auto done = stage.perform({{"consumer", body}}); !done) return done;
  stage.fact("batch", batched.batch);
  stage.fact("apart_ns", to_ns(alone.apart));
  report(stage, "alone", halves[0]);
  report(stage, "batched", halves[1]);
  return {};
}

}  // namespace

Spec batching() {
  return {.name = "batching",
          .idea = "Throughput and latency",
          .summary = "items one by one, then in batches: what a wake-up costs, and what saving it",
          .explanation = kExplanation,
          .parameters = kParameters,
          .defaults = kDefaults,
          .roles = kRoles,
          .predictions = kPredictions,
          .thread_count = [](const Values&) -> std::int64_t { return 1; },
          .rights = nullptr,
          .validate = validate,
          .run = run};
}

}  // namespace observe::workloads
