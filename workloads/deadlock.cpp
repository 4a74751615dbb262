// Threads take two locks each, in an order that makes them wait for each other in a circle. They
// find that out by themselves, say so, and go on.
#include <algorithm>

#include "workloads/frame/rendezvous.h"
#include "workloads/frame/stage.h"
#include "workloads/locks/lock_table.h"
#include "workloads/specs.h"

namespace observe::workloads {
namespace {

constexpr std::string_view kOrders[] = {"circular", "same"};

constexpr Parameter kParameters[] = {
    {.name = "order",
     .type = ParameterType::kChoice,
     .fallback = "circular",
     .choices = kOrders,
     .help = "circular: each thread takes its own lock, then its neighbour's; same: of the same "
             "two locks everybody takes the one with the lower number first"},
    {.name = "patience",
     .type = ParameterType::kDuration,
     .minimum = "10ms",
     .maximum = "1s",
     .fallback = "300ms",
     .help = "how long thread 0 waits before it looks for a circle"},
    {.name = "section",
     .type = ParameterType::kDuration,
     .minimum = "100us",
     .maximum = "10ms",
     .fallback = "1ms",
     .help = "CPU time of the work that needs both locks"},
};

constexpr Default kDefaults[] = {{"place", "one"}};

constexpr Role kRoles[] = {{"taker", "takes two locks, works, gives both back"}};

constexpr PredictionSpec kPredictions[] = {
    {"threads in the circle", "N with --order circular, none with --order same",
     "markers were lost"},
    {"the circle that was found", "of as many threads as the markers show", "markers were lost"},
    {"woken by others", "0: everybody sleeps until the first one's patience is over",
     "events were lost"},
    {"all asleep", "patience − (last wanting − first thread's wanting)",
     "events were lost, or the last one was kept from falling asleep"},
};

constexpr std::string_view kExplanation =
    R"(THE IDEA. A thread holds lock A and wants lock B. Another holds B and wants A.
Each waits for the other, and nothing in the world will ever wake them: no
error, no crash, no CPU time used. Four conditions have to come together for
this: locks exclude, they are held while others are waited for, nobody can take
them away, and the waits form a circle. Break one, and it cannot happen.

WHAT IT DOES. Each of N threads (--threads) has a lock of its own: thread 0
lock A, thread 1 lock B and so on. With --order circular each takes its own
lock, waits until all the others have done so too, and then wants the lock of
its neighbour. The meeting makes certain what otherwise happens once in a
month, on a Friday.

So that the program ends all the same, a thread does not wait for ever. When
thread 0 has waited for --patience it looks into a table of who holds and who
wants what, follows it from thread to thread, and finds itself again: a circle.
It writes down the circle, gives its lock back, and tries again when the others
have finished. That breaks the third condition: it takes its own lock away.

With --order same all threads take the locks in the order of their names, which
breaks the fourth condition. They work until --duration is over.

THE PREDICTION. With --order circular the deadlock happens with probability 1,
and all N threads are in the circle. From then on the kernel sees all of them
asleep in the futex system call, and no thread wakes another one:

    all asleep = patience - (time from thread 0's wanting to the last one's)

It ends when the timer of thread 0 goes off. The judge does not believe the
workload's own table: it finds the circle again from the markers, which say who
wanted, took and gave back which lock when. With --order same it finds none.

WHAT TO LOOK FOR
  1. observe --workload deadlock
     Who waits for whom? What did the CPUs do meanwhile?
  2. the same with --threads 5
     First write down how many threads the circle will have.
  3. the same with --order same
     How many circles now? What does it cost?
  4. Think of a program that does not look at a table. What could you see of
     its deadlock from outside, and what could you not?)";

Result<void> validate(const Values& values, const Machine&) {
  if (values.integer("threads") < 2) {
    return fail(usage_error("use --threads 1", "a circle takes two", "use 2 or more"));
  }
  if (values.text("order") == "circular" && values.has("duration") &&
      values.duration("duration") < values.duration("patience")) {
    return fail(usage_error("use --duration", "it is over before the --patience of thread 0 is",
                            "use a shorter --patience"));
  }
  return {};
}

struct Table {
  Table(std::size_t threads, Nanos patience)
      : locks(threads, threads, patience),
        all_hold(static_cast<std::uint32_t>(threads)),
        others_done(static_cast<std::uint32_t>(threads)) {}

  LockTable locks;
  Rendezvous all_hold;
  Rendezvous others_done;
};

struct Pair {
  std::size_t first, second;
};

void work_with_both(Worker& worker, Table& table, Pair pair, std::uint64_t section) {
  spin_iterations(section);
  table.locks.unlock(worker, pair.second);
  table.locks.unlock(worker, pair.first);
}

// Once each, as there is no second deadlock to be had from the same threads.
std::int64_t in_circle(Worker& worker, Table& table, Pair pair, std::uint64_t section) {
  std::int64_t operations = 0;
  // Nobody else wants it yet.
  bool held = table.locks.lock(worker, pair.first);
  table.all_hold.arrive_and_wait();
  if (held && table.locks.lock(worker, pair.second)) {
    work_with_both(worker, table, pair, section);
    ++operations;
    table.others_done.arrive_and_wait();
    return operations;
  }
  table.locks.unlock(worker, pair.first);
  table.others_done.arrive_and_wait();
  held = table.locks.lock(worker, pair.first) && table.locks.lock(worker, pair.second);
  if (held) {
    work_with_both(worker, table, pair, section);
    ++operations;
  }
  return operations;
}

std::int64_t in_order(Worker& worker, Table& table, Pair pair, std::uint64_t section) {
  std::int64_t operations = 0;
  const auto enough = [&] {
    return worker.stopping() || (worker.operations() && operations >= *worker.operations());
  };
  while (!enough()) {
    if (!table.locks.lock(worker, pair.first)) break;
    if (!table.locks.lock(worker, pair.second)) {
      table.locks.unlock(worker, pair.first);
      break;
    }
    work_with_both(worker, table, pair, section);
    ++operations;
  }
  return operations;
}

Result<void> run(const Values& values, Stage& stage) {
  const auto threads = static_cast<std::size_t>(values.integer("threads"));
  const bool circular = values.text("order") == "circular";
  const Nanos patience = values.duration("patience");
  const std::uint64_t section = stage.work_unit().iterations(values.duration("section"));
  auto table = std::make_unique<Table>(threads, patience);

  std::vector<ThreadPlan> plans(
      threads, {"taker", [&](Worker& worker) -> Result<void> {
                  const std::size_t own = worker.position();
                  const std::size_t next = (own + 1) % threads;
                  std::int64_t operations = 0;
                  if (circular) {
                    operations = in_circle(worker, *table, {own, next}, section);
                  } else {
                    operations = in_order(worker, *table,
                                          {std::min(own, next), std::max(own, next)}, section);
                  }
                  worker.fact("ops", operations);
                  return {};
                }});
  const auto reset = [&] { table = std::make_unique<Table>(threads, patience); };
  if (auto done = stage.perform(std::move(plans), reset); !done) return done;

  stage.fact("order", values.text("order"));
  stage.fact("patience_ms", static_cast<double>(to_ns(patience)) / 1e6);
  stage.fact("ops", stage.total("ops"));
  report_deadlocks(stage, "", table->locks);
  return {};
}

}  // namespace

Spec deadlock() {
  return {.name = "deadlock",
          .idea = "Shared state, races and locks",
          .summary = "threads that wait for each other in a circle find it out, say so, and go on",
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
