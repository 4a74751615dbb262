// Threads on one CPU share a lock that is held for a microsecond. Handed over in order of arrival
// it costs a context switch each time; left to whoever comes first it costs almost none.
#include <mutex>

#include <fmt/format.h>

#include "workloads/counter/locks.h"
#include "workloads/frame/stage.h"
#include "workloads/locks/parts.h"
#include "workloads/specs.h"

namespace observe::workloads {
namespace {

constexpr std::string_view kLocks[] = {"both", "fifo-futex", "mutex"};

constexpr Parameter kParameters[] = {
    {.name = "lock",
     .type = ParameterType::kChoice,
     .fallback = "both",
     .choices = kLocks,
     .help = "fifo-futex: handed to the one who has waited longest; mutex: whoever comes first "
             "takes it; both: one after the other, in the same run"},
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

// Long slices: a thread whose slice is over is preempted when it wakes another one, not only at the
// next tick (update_curr() in kernel/sched/fair.c).
constexpr Default kDefaults[] = {
    {"threads", "8"}, {"place", "one"}, {"policy", "batch"}, {"slice-us", "20000"}};

constexpr Role kRoles[] = {{"worker", "takes the lock, works, gives it back, works, again"}};

constexpr PredictionSpec kPredictions[] = {
    {"sleeps per operation, fifo-futex",
     "1: the lock belongs to one who is not running; at most 1 where woken threads preempt",
     "a disturbed machine, fewer than 1000 operations, or all but one thread preempted at once"},
    {"sleeps per operation, mutex",
     "at most (N−1) · (preemptions + 1) / operations: only a holder that is preempted lets others "
     "sleep",
     "a disturbed machine, or fewer than 1000 operations"},
    {"mutex over fifo-futex", "operations per second, at least 1: the same work without switches",
     "a disturbed machine, or only one of the locks"},
};

constexpr std::string_view kExplanation =
    R"(THE IDEA. Fair sounds good: who has waited longest gets the lock next. But the
one who has waited longest is asleep. From the moment the lock is given to it
until it is on a CPU again nobody can have the lock, not even the thread that
just gave it back and is running. If that one wants it again it must sleep as
well, and is now the last in line. Once a line has formed it never goes away:
each operation costs a context switch. This is a lock convoy.

WHAT IT DOES. N threads (--threads) on one CPU take the lock, work for
--section, give it back, work for --outside, and begin again. By default half
of the run is done with a lock that is handed over in order of arrival
(fifo-futex), the other half with a pthread mutex, which a running thread may
take though others have waited longer (barging).

A convoy begins when a thread is preempted while it holds the lock. Sooner or
later that happens; so that it happens in each run, the first holder works on
until all the others have queued up. The clock starts then.

THE PREDICTION. With hand-over the lock always belongs to a thread that is not
running yet. Whoever wants it has to sleep:

    sleeps per operation = 1        (voluntary switches, seen by the kernel)

With a mutex a thread only sleeps when it finds the lock taken, and on one CPU
it is only taken while its holder has been preempted. One such accident sends
at most the N-1 others to sleep, once each:

    sleeps per operation <= (N-1) * (preemptions + 1) / operations

The preemptions are counted in the kernel's events; the one more is the
accident at the start. The microseconds are too short to mark each operation:
what is seen of them are the switches.

The threads run with SCHED_BATCH, under which a woken thread waits for its turn,
and ask for slices of 20 ms, as threads do that want few switches. With the
ordinary policy (--policy other) the kernel may let a woken thread push the
waker aside at once. The one pushed aside wants nothing meanwhile. If that
happens to all but one of them, the line has run empty, and the last one takes
the lock again and again without waiting: then sleeps per operation are at most
1, and how many there are depends on the scheduler's mood. With many threads a
line hardly ever runs empty.

WHAT TO LOOK FOR
  1. observe --workload lock-convoy
     How many switches per operation with each lock, and what do they cost?
  2. the same with --section 100us --outside 100us
     First write down what you expect of the two throughputs. A switch costs
     the same as before; what has changed?
  3. the same with --threads 2, then 16
     Does the length of the line matter to those who wait, or to the total?
  4. the same with --policy other
     Sleeps become preemptions. Is it any cheaper?
  5. observe --workload contended-counter --lock fifo-futex
     The same lock. Is anything lost? Fairness is not about correctness.)";

std::vector<std::string> parts_of(const Values& values) {
  const std::string& lock = values.text("lock");
  if (lock == "fifo-futex") return {"fifo_futex"};
  if (lock == "mutex") return {"mutex"};
  return {"fifo_futex", "mutex"};
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

template <class Lock>
std::int64_t take_turns(Worker& worker, Lock& lock, Accident& accident, Part& part,
                        const Turn& turn) {
  std::int64_t operations = 0;
  accident.want();
  while (!part.over(worker, operations)) {
    lock.lock();
    spin_iterations(turn.section);
    lock.unlock();
    spin_iterations(turn.outside);
    ++operations;
  }
  return operations;
}

template <class Lock>
std::int64_t in_convoy(Worker& worker, Lock& lock, Accident& accident, Rendezvous& held, Part& part,
                       const Turn& turn) {
  if (worker.position() != 0) {
    held.arrive_and_wait();
    return take_turns(worker, lock, accident, part, turn);
  }
  lock.lock();
  held.arrive_and_wait();
  accident.hold(worker);
  part.start();
  lock.unlock();
  return take_turns(worker, lock, accident, part, turn);
}

Result<void> run(const Values& values, Stage& stage) {
  const auto threads = static_cast<std::size_t>(values.integer("threads"));
  const WorkUnit unit = stage.work_unit();
  const Turn turn{.section = unit.iterations(values.duration("section")),
                  .outside = unit.iterations(values.duration("outside"))};
  Parts parts(parts_of(values), threads, values);
  FifoFutexLock fifo;
  std::mutex mutex;
  Rendezvous held(static_cast<std::uint32_t>(threads));
  std::vector<std::unique_ptr<Accident>> accidents;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    accidents.push_back(std::make_unique<Accident>(threads));
  }

  std::vector<ThreadPlan> plans(
      threads, {"worker", [&](Worker& worker) -> Result<void> {
                  parts.perform(worker, [&](std::size_t i, Part& part) {
                    const std::int64_t operations =
                        part.name() == "mutex"
                            ? in_convoy(worker, mutex, *accidents[i], held, part, turn)
                            : in_convoy(worker, fifo, *accidents[i], held, part, turn);
                    worker.fact(part.name() + "_ops", operations);
                  });
                  return {};
                }});
  const auto reset = [&] {
    parts.reset();
    for (const auto& accident : accidents) accident->reset();
  };
  if (auto done = stage.perform(std::move(plans), reset); !done) return done;

  parts.report(stage);
  stage.fact("one_cpu", stage.scheduling().one_cpu());
  stage.fact("policy", values.text("policy"));
  for (std::size_t i = 0; i < parts.size(); ++i) {
    stage.fact(parts.name(i) + "_ops", stage.total(parts.name(i) + "_ops"));
  }
  return {};
}

}  // namespace

Spec lock_convoy() {
  return {.name = "lock-convoy",
          .idea = "Shared state, races and locks",
          .summary = "a lock handed over in order costs a switch each time; one for grabs does not",
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
