// A thread of high priority waits for a lock that one of low priority holds, and one of medium
// priority, which has nothing to do with the lock, keeps both from going on.
#include <pthread.h>

#include <algorithm>
#include <cmath>

#include "workloads/frame/stage.h"
#include "workloads/locks/parts.h"
#include "workloads/locks/signal.h"
#include "workloads/locks/sleep.h"
#include "workloads/locks/traced_mutex.h"
#include "workloads/specs.h"

namespace observe::workloads {
namespace {

constexpr std::string_view kProtocols[] = {"both", "none", "inherit"};
constexpr std::string_view kScales[] = {"realtime", "nice"};

constexpr Parameter kParameters[] = {
    {.name = "protocol",
     .type = ParameterType::kChoice,
     .fallback = "both",
     .choices = kProtocols,
     .help = "none: an ordinary mutex; inherit: its holder inherits the priority of those who wait "
             "for it; both: one after the other, in the same run"},
    {.name = "scale",
     .type = ParameterType::kChoice,
     .fallback = "realtime",
     .choices = kScales,
     .help = "what priority means: realtime (SCHED_FIFO 10, 20 and 30) or nice (19 for low, --nice "
             "for the others)"},
    {.name = "section",
     .type = ParameterType::kDuration,
     .minimum = "2ms",
     .maximum = "50ms",
     .fallback = "5ms",
     .help = "CPU time of the low thread's critical section; the others come after 1 ms of it"},
    {.name = "medium",
     .type = ParameterType::kDuration,
     .minimum = "0ms",
     .maximum = "200ms",
     .fallback = "20ms",
     .help = "CPU time that the medium thread works for in each round"},
};

constexpr Default kDefaults[] = {{"threads", "3"}, {"place", "one"}};

constexpr Role kRoles[] = {
    {"low", "holds the lock when the others come"},
    {"medium", "computes; has nothing to do with the lock"},
    {"high", "wants the lock"},
};

constexpr PredictionSpec kPredictions[] = {
    {"wait of high, none",
     "section − 1 ms + medium: the low thread cannot go on before medium is "
     "done",
     "a disturbed machine; cannot tell where real-time priorities are not permitted"},
    {"wait of high, inherit", "at most section − 1 ms: the holder runs with the waiter's priority",
     "a disturbed machine; cannot tell where real-time priorities are not permitted"},
    {"inherit over none", "with nice values 1: a mutex lends priorities, not weights",
     "a disturbed machine, or fewer than 3 rounds"},
};

constexpr std::string_view kExplanation =
    R"(THE IDEA. Priorities say who goes first. Locks say who has to wait. Put
together they can say the opposite of what was meant: a thread of high priority
waits for a lock whose holder, of low priority, does not get the CPU because a
third thread of medium priority is busy. The third one has nothing to do with
the lock. It beats the highest priority of the machine all the same, for as
long as it likes. In 1997 this kept resetting a computer on Mars.

WHAT IT DOES. Three threads on one CPU, with the real-time priorities 10, 20
and 30 (SCHED_FIFO), go through rounds:

  1. low takes the lock and works for --section.
  2. After 1 ms of that it wakes high, which wants the lock and has to wait.
  3. Then it wakes medium, which computes for --medium.
  4. low finishes its section and gives the lock back; high has it.

Between two rounds all of them sleep as long as they have worked, so that the
rest of the machine gets its CPU time. Half of the run is done with an ordinary
mutex, the other half with one that inherits priorities (PTHREAD_PRIO_INHERIT):
while somebody waits for it, its holder runs with the priority of the waiter.

THE PREDICTION. The wait of high, from asking for the lock to having it:

    none       section - 1 ms + medium      medium first, then the section
    inherit    at most section - 1 ms       low is lifted above medium

With --scale nice the threads are ordinary ones: low has nice 19, the others
that of --nice, which is 0 unless told otherwise.
The kernel then shares the CPU by weight, and inheritance lends priorities, but
no weight. Both kinds of mutex make high wait just as long.

Where real-time priorities are not permitted the threads run without them, and
the report says that it cannot tell.

WHAT TO LOOK FOR
  1. observe --workload priority-inversion
     How long does high wait with each mutex? Who ran meanwhile?
  2. the same with --medium 100ms
     First write down both waits. Which of them grows?
  3. the same with --scale nice
     Does inheritance help? Why not?
  4. the same with --place free, on a machine of several CPUs
     Where did the inversion go? Is it safe to rely on that?)";

constexpr Nanos kLead = std::chrono::milliseconds{1};

std::int64_t thread_count(const Values&) { return 3; }

bool realtime(const Values& values) { return values.text("scale") == "realtime"; }

Rights rights(const Values& values) {
  return {.nice = 0, .realtime_priority = realtime(values) ? 30 : 0};
}

Result<void> validate(const Values& values, const Machine&) {
  if (values.integer("threads") != 3) {
    return fail(usage_error("use --threads", "there are three: low, medium and high"));
  }
  if (values.text("policy") != "other") {
    return fail(usage_error("use --policy",
                            "this workload gives each of its threads a priority of its own",
                            "see --scale"));
  }
  if (values.has("slice-us") && realtime(values)) {
    return fail(
        usage_error("use --slice-us", "real-time threads have no slice that could be asked for"));
  }
  return {};
}

struct Scales {
  ThreadScheduling low, medium, high;
};

Scales scales_of(const Values& values, bool permitted) {
  if (!realtime(values)) return {.low = {.nice = 19}, .medium = {}, .high = {}};
  if (!permitted) return {};
  const auto fifo = [](int priority) {
    return ThreadScheduling{.policy = PolicyChoice{Policy::kFifo, priority}};
  };
  return {.low = fifo(10), .medium = fifo(20), .high = fifo(30)};
}

std::vector<std::string> parts_of(const Values& values) {
  const std::string& protocol = values.text("protocol");
  if (protocol == "both") return {"none", "inherit"};
  return {protocol};
}

// What the three share in one part.
struct Ring {
  explicit Ring(bool inherit)
      : mutex(inherit ? 1 : 0, inherit ? PTHREAD_PRIO_INHERIT : PTHREAD_PRIO_NONE) {}

  TracedMutex mutex;
  Signal high_go, medium_go;  // another round, or the end
  Signal high_done, medium_done;
  bool ended = false;         // written before the go
  std::vector<double> waits;  // of high, ms; high's own
};

struct Work {
  std::uint64_t lead, rest, medium;  // loop iterations
};

void play_low(Worker& worker, Part& part, Ring& ring, const Work& work) {
  std::int64_t rounds = 0;
  part.start();
  while (!part.over(worker, rounds)) {
    const Time begin = now();
    ring.mutex.lock(worker);
    spin_iterations(work.lead);
    ring.high_go.give();
    ring.medium_go.give();
    spin_iterations(work.rest);
    ring.mutex.unlock(worker);
    ring.high_done.take();
    ring.medium_done.take();
    ++rounds;
    // As long as the round took: real-time threads must leave time for others.
    sleep_for(now() - begin);
  }
  ring.ended = true;
  ring.high_go.give();
  ring.medium_go.give();
  worker.fact(part.name() + "_ops", rounds);
}

void play_medium(Worker& worker, Part& part, Ring& ring, const Work& work) {
  std::int64_t rounds = 0;
  for (ring.medium_go.take(); !ring.ended; ring.medium_go.take()) {
    worker.mark(MarkerKind::kOperationBegin, static_cast<std::uint64_t>(rounds), 0);
    spin_iterations(work.medium);
    worker.mark(MarkerKind::kOperationEnd, static_cast<std::uint64_t>(rounds), 0);
    ring.medium_done.give();
    ++rounds;
  }
  worker.fact(part.name() + "_ops", std::int64_t{0});
}

void play_high(Worker& worker, Part& part, Ring& ring) {
  for (ring.high_go.take(); !ring.ended; ring.high_go.take()) {
    const Time wanted = now();
    ring.mutex.lock(worker);
    ring.waits.push_back(static_cast<double>(to_ns(now() - wanted)) / 1e6);
    ring.mutex.unlock(worker);
    ring.high_done.give();
  }
  worker.fact(part.name() + "_ops", std::int64_t{0});
}

void report_waits(Stage& stage, const std::string& name, std::vector<double> waits) {
  stage.fact(name + "_ops", stage.total(name + "_ops"));
  if (waits.empty()) return;
  std::ranges::sort(waits);
  const auto count = static_cast<double>(waits.size());
  double sum = 0;
  double squares = 0;
  for (const double wait : waits) sum += wait;
  for (const double wait : waits) squares += (wait - sum / count) * (wait - sum / count);
  stage.fact(name + "_wait_p50_ms", waits[(waits.size() - 1) / 2]);
  stage.fact(name + "_wait_max_ms", waits.back());
  stage.fact(name + "_wait_mean_ms", sum / count);
  stage.fact(name + "_wait_deviation_ms", std::sqrt(squares / count));
}

Result<void> run(const Values& values, Stage& stage) {
  const Nanos section = values.duration("section");
  const Nanos medium = values.duration("medium");
  const WorkUnit unit = stage.work_unit();
  const Work work{.lead = unit.iterations(kLead),
                  .rest = unit.iterations(section - kLead),
                  .medium = unit.iterations(medium)};
  Parts parts(parts_of(values), 3, values);
  std::vector<std::unique_ptr<Ring>> rings;
  const auto make_rings = [&] {
    rings.clear();
    for (std::size_t i = 0; i < parts.size(); ++i) {
      rings.push_back(std::make_unique<Ring>(parts.name(i) == "inherit"));
    }
  };
  make_rings();

  const Scales scales = scales_of(values, stage.has_rights());
  const auto plan = [&](const char* role, const ThreadScheduling& scheduling, auto play) {
    return ThreadPlan{.role = role,
                      .body = [&parts, play](Worker& worker) -> Result<void> {
                        parts.perform(worker,
                                      [&](std::size_t i, Part& part) { play(worker, part, i); });
                        return {};
                      },
                      .scheduling = scheduling};
  };
  std::vector<ThreadPlan> plans;
  plans.push_back(plan("low", scales.low, [&](Worker& worker, Part& part, std::size_t i) {
    play_low(worker, part, *rings[i], work);
  }));
  plans.push_back(plan("medium", scales.medium, [&](Worker& worker, Part& part, std::size_t i) {
    play_medium(worker, part, *rings[i], work);
  }));
  plans.push_back(plan("high", scales.high, [&](Worker& worker, Part& part, std::size_t i) {
    play_high(worker, part, *rings[i]);
  }));
  const auto reset = [&] {
    parts.reset();
    make_rings();
  };
  if (auto done = stage.perform(std::move(plans), reset); !done) return done;

  parts.report(stage);
  stage.fact("one_cpu", stage.scheduling().one_cpu());
  stage.fact("scale", values.text("scale"));
  stage.fact("permitted", stage.has_rights());
  stage.fact("rest_ms", static_cast<double>(to_ns(section - kLead)) / 1e6);
  stage.fact("medium_ms", static_cast<double>(to_ns(medium)) / 1e6);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    report_waits(stage, parts.name(i), rings[i]->waits);
  }
  return {};
}

}  // namespace

Spec priority_inversion() {
  return {
      .name = "priority-inversion",
      .idea = "Shared state, races and locks",
      .summary = "a medium thread holds up a high one that waits for a lock; inheritance cures it",
      .explanation = kExplanation,
      .parameters = kParameters,
      .defaults = kDefaults,
      .roles = kRoles,
      .predictions = kPredictions,
      .thread_count = thread_count,
      .rights = rights,
      .validate = validate,
      .run = run};
}

}  // namespace observe::workloads
