// Threads spin for a lock on one CPU: when its holder, or the next in line, is preempted, all the
// others burn their turns in waiting.
#include <algorithm>
#include <array>

#include <sched.h>

#include <fmt/format.h>

#include "workloads/counter/locks.h"
#include "workloads/frame/stage.h"
#include "workloads/locks/parts.h"
#include "workloads/locks/wait_histogram.h"
#include "workloads/specs.h"

namespace observe::workloads {
namespace {

constexpr std::string_view kLocks[] = {"all", "ticket", "spin", "ticket-yield"};

constexpr Parameter kParameters[] = {
    {.name = "lock",
     .type = ParameterType::kChoice,
     .fallback = "all",
     .choices = kLocks,
     .help = "ticket: in the order of arrival; spin: whoever comes first (test-and-set); "
             "ticket-yield: as ticket, but waiters give the CPU away; all: one after the other"},
    {.name = "section",
     .type = ParameterType::kDuration,
     .minimum = "100ns",
     .maximum = "1ms",
     .fallback = "1us",
     .help = "CPU time of the critical section"},
    {.name = "outside",
     .type = ParameterType::kDuration,
     .minimum = "0us",
     .maximum = "1ms",
     .fallback = "1us",
     .help = "CPU time between one critical section and the next"},
};

constexpr Default kDefaults[] = {{"threads", "4"}, {"place", "one"}, {"duration", "1500ms"}};

constexpr Role kRoles[] = {{"spinner", "takes the lock, works, gives it back, works, again"}};

constexpr PredictionSpec kPredictions[] = {
    {"wait, ticket",
     "at least N · q in the median: one turn of every thread, q = ⌈slice / tick⌉ · tick",
     "a disturbed machine, or fewer than 10 operations"},
    {"operations, ticket", "one for each turn of the thread that is next in line",
     "a disturbed machine, or fewer than 10 turns"},
    {"useful share, spin", "1 / (1 + p(N−1)), p = section / (section + outside)",
     "a disturbed machine, or fewer than 30 turns"},
    {"wait, ticket-yield", "less than one turn in the median: nobody burns a turn",
     "a disturbed machine, or fewer than 10 operations"},
};

constexpr std::string_view kExplanation =
    R"(THE IDEA. A spinlock is a fine thing while its holder runs: the wait is short.
On one CPU the holder does not run while somebody waits for it. A waiter that
spins burns its whole turn, until the kernel takes the CPU away from it. A
ticket lock, which serves strictly in the order of arrival, makes it worse: now
everybody waits not only for a holder that was preempted, but also for a next
in line that is not running.

WHAT IT DOES. N threads (--threads) on one CPU take a lock, work for --section,
give it back, work for --outside, and begin again; each wait is timed. Three
locks one after the other, a third of the run each: ticket, spin (test-and-set:
whoever comes first) and ticket-yield (the ticket lock, but who waits gives the
CPU away with sched_yield instead of burning it).

So that each run has its accident, the first holder of each part works on until
all the others wait: on one CPU they can only do so after it was preempted. The
clock starts when it gives the lock back.

THE PREDICTION. Let q be the turn that the scheduler gives a thread: its slice,
rounded up to whole ticks.

  ticket. Whoever is next in line and comes to its turn is served at once, gives
  the lock back, and draws a new ticket, the last one. The next in line is not
  running: the rest of the turn is burned. A turn of anybody else is burned from
  its beginning. At best, when the kernel takes turns in the order of the line,
  each turn gives one operation, and each one waits for a turn of every thread:

      wait >= N * q

  The line is known, and the order of turns is in the kernel's events: going
  through both gives the number of operations, to the last one.

  spin. A thread that has the CPU takes the lock again and again. Only when its
  turn ends inside of the critical section, which happens with probability
  p = section / (section + outside), the others burn a turn each:

      useful share of the CPU = 1 / (1 + p(N-1))

  ticket-yield. The order is the same, but a waiter does not keep the CPU from
  the next in line: a wait is a few switches, far less than one turn.

The sections are too short to mark each of them on the timeline; what is seen
there are the turns. Which of them were burned no kernel event can tell: the
thread was running. This is why such locks belong into kernels, which can
switch preemption off, and hardly ever into programs.

WHAT TO LOOK FOR
  1. observe --workload lock-holder-preemption
     How many operations per second does each lock give? Who burns the CPU?
  2. the same with --threads 2, then 8
     First write down the wait that you expect with the ticket lock.
  3. the same with --slice-us 10000
     Longer turns are good for throughput, it is said. For whose?
  4. the same with --threads 2 --place spread
     Now the holder runs while the other waits. What is left of the trouble?)";

constexpr std::array<std::string_view, 3> kPartNames = {"ticket", "spin", "ticket_yield"};

std::vector<std::string> parts_of(const Values& values) {
  std::string lock = values.text("lock");
  if (lock == "all") return {kPartNames.begin(), kPartNames.end()};
  std::ranges::replace(lock, '-', '_');
  return {lock};
}

Result<void> validate(const Values& values, const Machine&) {
  if (values.integer("threads") < 2) {
    return fail(usage_error("use --threads 1", "a thread alone waits for nobody", "use 2 or more"));
  }
  return {};
}

struct Turn {
  std::uint64_t section = 0;  // loop iterations
  std::uint64_t outside = 0;
};

struct Tally {
  std::int64_t operations = 0;
  WaitHistogram waits;
};

struct Locks {
  TicketLock ticket;
  SpinLock spin;
};

void burn() { __builtin_ia32_pause(); }
void give_way() { sched_yield(); }

// Calls take(lock_unless, unlock) with the operations of the lock of that name.
template <class Take>
void with_lock(std::string_view name, Locks& locks, Take&& take) {
  if (name == "spin") {
    take([&](auto give_up) { return locks.spin.lock_unless(give_up, burn); },
         [&] { locks.spin.unlock(); });
  } else if (name == "ticket") {
    take([&](auto give_up) { return locks.ticket.lock_unless(give_up, burn); },
         [&] { locks.ticket.unlock(); });
  } else {
    take([&](auto give_up) { return locks.ticket.lock_unless(give_up, give_way); },
         [&] { locks.ticket.unlock(); });
  }
}

void take_turns(Worker& worker, std::string_view name, Locks& locks, Part& part, const Turn& turn,
                Tally& tally) {
  with_lock(name, locks, [&](auto lock_unless, auto unlock) {
    const auto give_up = [&] { return part.over(worker, tally.operations); };
    while (!give_up()) {
      const Time wanted = now();
      if (!lock_unless(give_up)) return;
      const Time got = now();
      // Who is served when all others have left has not won anything.
      if (give_up()) return unlock();
      spin_iterations(turn.section);
      unlock();
      spin_iterations(turn.outside);
      tally.waits.add(got - wanted);
      ++tally.operations;
    }
  });
}

void play(Worker& worker, Locks& locks, Accident& accident, Rendezvous& held, Part& part,
          const Turn& turn, Tally& tally) {
  if (worker.position() == 0) {
    with_lock(part.name(), locks, [&](auto lock_unless, auto unlock) {
      // Nobody else is there yet: it is free.
      lock_unless([] { return false; });
      held.arrive_and_wait();
      accident.hold(worker);
      part.start();
      unlock();
    });
  } else {
    held.arrive_and_wait();
  }
  worker.fact(part.name() + "_line", static_cast<std::int64_t>(accident.want()));
  take_turns(worker, part.name(), locks, part, turn, tally);
}

// What one operation costs in CPU time when nobody else wants the lock.
double cost_alone(const Turn& turn) {
  SpinLock lock;
  WaitHistogram waits;
  return calibrate([&](std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      const Time wanted = now();
      lock.lock_unless([] { return false; }, burn);
      const Time got = now();
      static_cast<void>(now());
      spin_iterations(turn.section);
      lock.unlock();
      spin_iterations(turn.outside);
      waits.add(got - wanted);
      static_cast<void>(now());  // twice, as over() does
    }
  });
}

void report_part(Stage& stage, const std::string& name, const std::vector<Tally>& tallies) {
  WaitHistogram all;
  for (const Tally& tally : tallies) all.add(tally.waits);
  stage.fact(name + "_ops", stage.total(name + "_ops"));
  stage.fact(name + "_wait_p50_ns", to_ns(all.quantile(0.5)));
  stage.fact(name + "_wait_p99_ns", to_ns(all.quantile(0.99)));
  stage.fact(name + "_wait_p999_ns", to_ns(all.quantile(0.999)));
  stage.fact(name + "_wait_max_ns", to_ns(all.longest()));
}

Result<void> run(const Values& values, Stage& stage) {
  const auto threads = static_cast<std::size_t>(values.integer("threads"));
  const WorkUnit unit = stage.work_unit();
  const Turn turn{.section = unit.iterations(values.duration("section")),
                  .outside = unit.iterations(values.duration("outside"))};
  const double alone_ns = cost_alone(turn);
  Parts parts(parts_of(values), threads, values);
  std::vector<Locks> locks(parts.size());
  Rendezvous held(static_cast<std::uint32_t>(threads));
  std::vector<std::unique_ptr<Accident>> accidents;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    accidents.push_back(std::make_unique<Accident>(threads));
  }
  std::vector<std::vector<Tally>> tallies(parts.size(), std::vector<Tally>(threads));

  std::vector<ThreadPlan> plans(threads, {"spinner", [&](Worker& worker) -> Result<void> {
                                            parts.perform(worker, [&](std::size_t i, Part& part) {
                                              Tally& tally = tallies[i][worker.position()];
                                              play(worker, locks[i], *accidents[i], held, part,
                                                   turn, tally);
                                              worker.fact(part.name() + "_ops", tally.operations);
                                            });
                                            return {};
                                          }});
  const auto reset = [&] {
    parts.reset();
    for (const auto& accident : accidents) accident->reset();
    // A ticket that its thread has given up is never served.
    locks = std::vector<Locks>(parts.size());
    for (auto& part : tallies) part.assign(threads, Tally{});
  };
  if (auto done = stage.perform(std::move(plans), reset); !done) return done;

  parts.report(stage);
  stage.fact("one_cpu", stage.scheduling().one_cpu());
  stage.fact("section_ns", to_ns(values.duration("section")));
  stage.fact("outside_ns", to_ns(values.duration("outside")));
  stage.fact("alone_ns_per_op", alone_ns);
  for (std::size_t i = 0; i < parts.size(); ++i) report_part(stage, parts.name(i), tallies[i]);
  return {};
}

}  // namespace

Spec lock_holder_preemption() {
  return {.name = "lock-holder-preemption",
          .idea = "Shared state, races and locks",
          .summary = "a spinlock whose holder, or next in line, is preempted: turns are burned",
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
