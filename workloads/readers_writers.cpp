// Readers share a lock, writers have it alone; who goes first when both want it is a choice.
#include <pthread.h>

#include <atomic>

#include "base/check.h"
#include "workloads/frame/stage.h"
#include "workloads/locks/parts.h"
#include "workloads/locks/sleep.h"
#include "workloads/specs.h"

namespace observe::workloads {
namespace {

constexpr std::string_view kPreferences[] = {"both", "readers", "writers"};

constexpr Parameter kParameters[] = {
    {.name = "prefer",
     .type = ParameterType::kChoice,
     .fallback = "both",
     .choices = kPreferences,
     .help = "who may go in while a writer waits: more readers, or nobody before it (writers); "
             "both: one after the other, in the same run"},
    {.name = "writers",
     .type = ParameterType::kInteger,
     .unit = "threads",
     .minimum = "1",
     .maximum = "64",
     .fallback = "1",
     .help = "how many of --threads are writers; the others read"},
    {.name = "section",
     .type = ParameterType::kDuration,
     .minimum = "100us",
     .maximum = "50ms",
     .fallback = "500us",
     .help = "CPU time of reading, and of writing"},
    {.name = "pause",
     .type = ParameterType::kDuration,
     .minimum = "100us",
     .maximum = "50ms",
     .fallback = "500us",
     .help = "mean sleep of a reader between two sections; a writer sleeps four times as long"},
};

constexpr Default kDefaults[] = {{"threads", "4"}};

constexpr Role kRoles[] = {
    {"writer", "changes two values that belong together, alone"},
    {"reader", "looks whether they fit, beside other readers"},
};

constexpr PredictionSpec kPredictions[] = {
    {"values that did not fit", "0: nobody reads while a writer is inside", ""},
    {"others beside a writer", "0, by the markers", "markers were lost"},
    {"readers at once", "at least 2 run in their sections at the same time",
     "events or markers were lost; cannot tell on one CPU"},
    {"writer asleep, readers preferred",
     "at least until the first moment without a reader, in the mean",
     "a disturbed machine, or fewer than 10 waits"},
    {"writer asleep, writers preferred",
     "at most until those who were inside have left, in the mean",
     "a disturbed machine, or fewer than 10 waits"},
};

constexpr std::string_view kExplanation =
    R"(THE IDEA. Those who only look at something do not disturb each other. A lock for
readers and writers lets any number of readers in at the same time, and a writer
only alone. That leaves one question open: a writer waits, two readers are
inside, and a third one comes. Let it in, and reading goes on at full speed, but
the writer waits for a moment without any reader, which may never come. Hold it
back, and the writer has its turn soon, but readers wait for a reader.

WHAT IT DOES. Of N threads (--threads) some write (--writers), the others read.
A reader works for --section inside of the lock, then sleeps for --pause in the
mean (random, 0 to twice as long). A writer does the same with pauses four times
as long. The writer changes two values, one at the beginning of its section and
one at the end; whoever reads them looks whether they fit. Half of the run is
done with a lock that prefers readers, the other half with one that prefers
writers (pthread_rwlockattr_setkind_np).

THE PREDICTION. Nobody ever sees values that do not fit. Readers overlap: where
there are two CPUs, two of them run inside of the lock at the same time. And how
long a writer sleeps can be read off the markers of the readers, without looking
at the writer:

    readers preferred   until the first moment without a reader
    writers preferred   until those are out who were inside when it came

The first wait is at least so long, the second at most, but for the time of
falling asleep and waking up. With R readers that are inside for a share u of
their time, the first moment without a reader is rare: (1-u)^R of the time.

WHAT TO LOOK FOR
  1. observe --workload readers-writers
     How long does the writer wait with each kind of lock?
  2. the same with --threads 8
     First write down which of the two waits grows, and why.
  3. the same with --pause 100us --prefer readers
     Does the writer get in at all?
  4. the same with --place one
     Readers still share the lock. What do they gain by it?)";

bool is_writer(const Values& values, std::size_t position) {
  return static_cast<std::int64_t>(position) < values.integer("writers");
}

Result<void> validate(const Values& values, const Machine&) {
  if (values.integer("threads") <= values.integer("writers")) {
    return fail(usage_error("use --writers", "there would be no reader left",
                            "use more --threads or fewer --writers"));
  }
  return {};
}

std::vector<std::string> parts_of(const Values& values) {
  const std::string& prefer = values.text("prefer");
  if (prefer == "both") return {"readers", "writers"};
  return {prefer};
}

// The number in its markers is 0 where readers are preferred, else 1.
class SharedLock {
 public:
  explicit SharedLock(bool prefer_writers) : number_(prefer_writers ? 1 : 0) {
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    // The kind without "NONRECURSIVE" prefers readers whatever its name says: rwlock.c of glibc.
    const int kind = prefer_writers ? PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP
                                    : PTHREAD_RWLOCK_PREFER_READER_NP;
    OBSERVE_CHECK(pthread_rwlockattr_setkind_np(&attributes, kind) == 0);
    OBSERVE_CHECK(pthread_rwlock_init(&lock_, &attributes) == 0);
    pthread_rwlockattr_destroy(&attributes);
  }
  SharedLock(const SharedLock&) = delete;
  SharedLock& operator=(const SharedLock&) = delete;
  ~SharedLock() { pthread_rwlock_destroy(&lock_); }

  void read_lock(Worker& worker) {
    worker.mark(MarkerKind::kLockWanted, number_, 0);
    pthread_rwlock_rdlock(&lock_);
    worker.mark(MarkerKind::kLockAcquired, number_, 0);
  }
  void write_lock(Worker& worker) {
    worker.mark(MarkerKind::kLockWanted, number_, 1);
    pthread_rwlock_wrlock(&lock_);
    worker.mark(MarkerKind::kLockAcquired, number_, 1);
  }
  void unlock(Worker& worker) {
    worker.mark(MarkerKind::kLockReleased, number_, 0);
    pthread_rwlock_unlock(&lock_);
  }

 private:
  const std::uint64_t number_;
  pthread_rwlock_t lock_{};
};

struct Shared {
  explicit Shared(bool prefer_writers) : lock(prefer_writers) {}

  bool fits() const {
    return first.load(std::memory_order_relaxed) == second.load(std::memory_order_relaxed);
  }

  SharedLock lock;
  alignas(64) std::atomic<std::int64_t> first{0};
  std::atomic<std::int64_t> second{0};
};

struct Tally {
  std::int64_t operations = 0;
  std::int64_t violations = 0;
};

void pause_about(Worker& worker, Nanos mean) {
  const auto most = static_cast<std::uint64_t>(2 * to_ns(mean));
  sleep_for(Nanos{static_cast<std::int64_t>(worker.random() % (most + 1))});
}

void write_on(Worker& worker, Part& part, Shared& shared, std::uint64_t section, Nanos pause,
              Tally& tally) {
  constexpr int kRarer = 4;
  while (!part.over(worker, tally.operations)) {
    shared.lock.write_lock(worker);
    if (!shared.fits()) ++tally.violations;
    shared.first.fetch_add(1, std::memory_order_relaxed);
    spin_iterations(section);
    shared.second.fetch_add(1, std::memory_order_relaxed);
    shared.lock.unlock(worker);
    ++tally.operations;
    pause_about(worker, kRarer * pause);
  }
}

void read_on(Worker& worker, Part& part, Shared& shared, std::uint64_t section, Nanos pause,
             Tally& tally) {
  while (!part.over(worker, tally.operations)) {
    shared.lock.read_lock(worker);
    const bool fit_before = shared.fits();
    spin_iterations(section);
    if (!fit_before || !shared.fits()) ++tally.violations;
    shared.lock.unlock(worker);
    ++tally.operations;
    pause_about(worker, pause);
  }
}

Result<void> run(const Values& values, Stage& stage) {
  const auto threads = static_cast<std::size_t>(values.integer("threads"));
  const Nanos pause = values.duration("pause");
  const std::uint64_t section = stage.work_unit().iterations(values.duration("section"));
  Parts parts(parts_of(values), threads, values);
  std::vector<std::unique_ptr<Shared>> shared;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    shared.push_back(std::make_unique<Shared>(parts.name(i) == "writers"));
  }

  std::vector<ThreadPlan> plans;
  for (std::size_t position = 0; position < threads; ++position) {
    const bool writer = is_writer(values, position);
    plans.push_back({writer ? "writer" : "reader", [&, writer](Worker& worker) -> Result<void> {
                       std::int64_t violations = 0;
                       parts.perform(worker, [&](std::size_t i, Part& part) {
                         part.start();
                         Tally tally;
                         (writer ? write_on : read_on)(worker, part, *shared[i], section, pause,
                                                       tally);
                         worker.fact(part.name() + "_ops", tally.operations);
                         violations += tally.violations;
                       });
                       worker.fact("violations", violations);
                       return {};
                     }});
  }
  if (auto done = stage.perform(std::move(plans), [&] { parts.reset(); }); !done) return done;

  parts.report(stage);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    stage.fact(parts.name(i) + "_ops", stage.total(parts.name(i) + "_ops"));
  }
  stage.fact("violations", stage.total("violations"));
  stage.fact("cpus", stage.scheduling().one_cpu()
                         ? std::int64_t{1}
                         : static_cast<std::int64_t>(stage.scheduling().cpus.size()));
  return {};
}

}  // namespace

Spec readers_writers() {
  return {.name = "readers-writers",
          .idea = "Shared state, races and locks",
          .summary = "readers share a lock, a writer has it alone: who is let in, and who starves",
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
