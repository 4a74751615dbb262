// N philosophers around a table, one fork between each two, two forks needed to eat.
#include <algorithm>

#include "workloads/frame/stage.h"
#include "workloads/locks/lock_table.h"
#include "workloads/locks/parts.h"
#include "workloads/locks/signal.h"
#include "workloads/locks/sleep.h"
#include "workloads/specs.h"

namespace observe::workloads {
namespace {

constexpr std::string_view kStrategies[] = {"all", "naive", "ordered", "waiter"};

constexpr Parameter kParameters[] = {
    {.name = "strategy",
     .type = ParameterType::kChoice,
     .fallback = "all",
     .choices = kStrategies,
     .help = "naive: left fork, then right; ordered: the fork with the lower number first; waiter: "
             "left, then right, but only N-1 may sit down; all: one after the other"},
    {.name = "think",
     .type = ParameterType::kDuration,
     .minimum = "10us",
     .maximum = "100ms",
     .fallback = "1ms",
     .help = "mean time of thinking; the true times are random, from 0 to twice as much"},
    {.name = "eat",
     .type = ParameterType::kDuration,
     .minimum = "10us",
     .maximum = "100ms",
     .fallback = "2ms",
     .help = "time of eating, with both forks in hand"},
    {.name = "patience",
     .type = ParameterType::kDuration,
     .minimum = "10ms",
     .maximum = "1s",
     .fallback = "200ms",
     .help = "how long philosopher 0 waits for a fork before it looks for a circle"},
};

constexpr Default kDefaults[] = {{"threads", "5"}, {"duration", "1500ms"}};

constexpr Role kRoles[] = {{"philosopher", "thinks, takes two forks, eats, puts them down, again"}};

constexpr PredictionSpec kPredictions[] = {
    {"circle, naive", "N philosophers, each with one fork in hand", "markers were lost"},
    {"circles, ordered", "0: the one with the highest fork already has all others it needs",
     "markers were lost"},
    {"circles, waiter", "0: among N−1 who sit one finds both forks", "markers were lost"},
    {"eating at once, ordered", "at most ⌊N/2⌋: two forks each", "markers were lost"},
    {"eating at once, waiter", "at most ⌊N/2⌋: two forks each", "markers were lost"},
    {"fewest meals, ordered", "at least 1: everybody eats", "too short a run for one meal each"},
    {"fewest meals, waiter", "at least 1: everybody eats", "too short a run for one meal each"},
};

constexpr std::string_view kExplanation =
    R"(THE IDEA. Five philosophers sit around a table, and between each two of them
lies one fork. To eat takes both forks, the left and the right one. If each of
them takes the left fork first, and all do so at the same moment, then there is
no fork left, everybody waits for the neighbour, and they starve politely. It is
Dijkstra's picture of threads that need more than one lock.

WHAT IT DOES. N threads (--threads) think, take their two forks, eat and put
them down. Thinking and eating are sleeps, as of one who waits for a device, so
that the number of CPUs does not matter. The forks are mutexes. Three
strategies, a third of the run each:

  naive     left fork, then right. All take the left one and meet before they
            want the right one, so that the circle closes for certain. After
            --patience philosopher 0 looks at who waits for whom, finds the
            circle, puts its fork down and leaves the table; the others eat
            once each, one after the other.
  ordered   the fork with the lower number first. For one of them that is the
            right one, and so the circle cannot close.
  waiter    left, then right; but a waiter lets only N-1 of them sit down at
            once. One of those who sit finds both forks.

THE PREDICTION. From the markers of who wants, has and gives back which fork the
judge draws who waits for whom, and looks for circles by itself:

    naive: one circle of all N          ordered, waiter: none

Two forks each means that at most half of them can eat at once, rounded down:

    eating at once <= floor(N/2)

and with a cure everybody eats, though not equally often: neither cure promises
that.

WHAT TO LOOK FOR
  1. observe --workload dining-philosophers
     How long was the circle closed? How many meals did each cure give?
  2. the same with --strategy ordered --eat 10ms
     Who eats least? Look at where it sits.
  3. the same with --threads 2
     First write down how many may eat at once.
  4. the same with --threads 100 --strategy waiter
     Does the waiter get in the way?)";

std::vector<std::string> parts_of(const Values& values) {
  const std::string& strategy = values.text("strategy");
  if (strategy == "all") return {"naive", "ordered", "waiter"};
  return {strategy};
}

Result<void> validate(const Values& values, const Machine&) {
  if (values.integer("threads") < 2) {
    return fail(usage_error("use --threads 1", "there would be one fork only", "use 2 or more"));
  }
  const auto strategies = static_cast<std::int64_t>(parts_of(values).size());
  if (values.has("duration") && parts_of(values).front() == "naive" &&
      values.duration("duration") / strategies < values.duration("patience")) {
    return fail(usage_error("use --duration",
                            "the naive strategy's piece of it is over before the --patience is",
                            "use a shorter --patience"));
  }
  return {};
}

struct Table {
  Table(std::size_t philosophers, Nanos patience)
      : forks(philosophers, philosophers, patience),
        left_taken(static_cast<std::uint32_t>(philosophers)) {
    for (std::size_t i = 1; i < philosophers; ++i) seats.give();
  }

  LockTable forks;
  Rendezvous left_taken;
  Signal seats;
};

class Philosopher {
 public:
  Philosopher(Worker& worker, Part& part, Table& table, std::size_t neighbours, Nanos think,
              Nanos eat)
      : worker_(worker),
        part_(part),
        table_(table),
        left_(worker.position()),
        right_((worker.position() + 1) % neighbours),
        think_(think),
        eat_(eat) {}

  std::int64_t dine() {
    if (part_.name() == "naive") return dine_naively();
    const bool waiter = part_.name() == "waiter";
    const std::size_t first = waiter ? left_ : std::min(left_, right_);
    const std::size_t second = first == left_ ? right_ : left_;
    while (!part_.over(worker_, meals_)) {
      think();
      if (waiter) table_.seats.take();
      const bool fed = take_and_eat(first, second);
      if (waiter) table_.seats.give();
      if (!fed) break;  // a circle: the markers show it
    }
    return meals_;
  }

 private:
  // Once: whoever gave up leaves the table.
  std::int64_t dine_naively() {
    const bool left = table_.forks.lock(worker_, left_);
    table_.left_taken.arrive_and_wait();
    if (left && table_.forks.lock(worker_, right_)) {
      eat();
      table_.forks.unlock(worker_, right_);
    }
    if (left) table_.forks.unlock(worker_, left_);
    return meals_;
  }
  bool take_and_eat(std::size_t first, std::size_t second) {
    if (!table_.forks.lock(worker_, first)) return false;
    const bool both = table_.forks.lock(worker_, second);
    if (both) {
      eat();
      table_.forks.unlock(worker_, second);
    }
    table_.forks.unlock(worker_, first);
    return both;
  }
  void think() {
    const auto most = static_cast<std::uint64_t>(2 * to_ns(think_));
    sleep_for(Nanos{static_cast<std::int64_t>(worker_.random() % (most + 1))});
  }
  void eat() {
    const auto number = static_cast<std::uint64_t>(meals_);
    worker_.mark(MarkerKind::kOperationBegin, number, 0);
    if (!worker_.stopping()) sleep_for(eat_);
    worker_.mark(MarkerKind::kOperationEnd, number, 0);
    ++meals_;
  }

  Worker& worker_;
  Part& part_;
  Table& table_;
  const std::size_t left_, right_;
  const Nanos think_, eat_;
  std::int64_t meals_ = 0;
};

Result<void> run(const Values& values, Stage& stage) {
  const auto threads = static_cast<std::size_t>(values.integer("threads"));
  const Nanos patience = values.duration("patience");
  Parts parts(parts_of(values), threads, values);
  std::vector<std::unique_ptr<Table>> tables;
  const auto lay_tables = [&] {
    tables.clear();
    for (std::size_t i = 0; i < parts.size(); ++i) {
      tables.push_back(std::make_unique<Table>(threads, patience));
    }
  };
  lay_tables();

  std::vector<ThreadPlan> plans(threads, {"philosopher", [&](Worker& worker) -> Result<void> {
                                            parts.perform(worker, [&](std::size_t i, Part& part) {
                                              part.start();
                                              Philosopher philosopher(
                                                  worker, part, *tables[i], threads,
                                                  values.duration("think"), values.duration("eat"));
                                              worker.fact(part.name() + "_ops", philosopher.dine());
                                            });
                                            return {};
                                          }});
  const auto reset = [&] {
    parts.reset();
    lay_tables();
  };
  if (auto done = stage.perform(std::move(plans), reset); !done) return done;

  parts.report(stage);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::string& name = parts.name(i);
    stage.fact(name + "_ops", stage.total(name + "_ops"));
    report_deadlocks(stage, name + "_", tables[i]->forks);
  }
  return {};
}

}  // namespace

Spec dining_philosophers() {
  return {.name = "dining-philosophers",
          .idea = "Shared state, races and locks",
          .summary = "two forks to eat, one between each two: a deadlock, and two cures",
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
