// Counters that nobody shares, in a cache line that everybody shares.
#include <fmt/format.h>

#include <atomic>
#include <memory>

#include "workloads/frame/clock.h"
#include "workloads/frame/rendezvous.h"
#include "workloads/frame/stage.h"
#include "workloads/specs.h"

namespace observe::workloads {
namespace {

constexpr std::int64_t kLineBytes = 64;
constexpr std::int64_t kMostThreads = kLineBytes / 8;
// Some processors fetch lines in pairs.
constexpr std::size_t kApart = 2 * kLineBytes;

constexpr Parameter kParameters[] = {
    {.name = "turn",
     .type = ParameterType::kDuration,
     .minimum = "1ms",
     .maximum = "10s",
     .fallback = "50ms",
     .help = "how long the counters lie packed, and then padded, before they change again"},
};

constexpr Role kRoles[] = {{"counter", "adds to its own counter, which no other thread reads"}};

constexpr PredictionSpec kPredictions[] = {
    {"packed / padded", "at least N", "a disturbed machine, or threads did not run together"},
};

constexpr std::string_view kExplanation =
    R"(THE IDEA. Memory moves between cores in cache lines of 64 bytes, and a core can
write to a line only while no other core has it. Two threads that write to two
different variables in one line share nothing in the program, but they fight over
the line: each takes it away from the other. This is called false sharing.

WHAT IT DOES. N threads (--threads), each pinned to a CPU of its own, add to
counters of their own with an atomic instruction. In one phase all counters lie
side by side in one line (packed), in the next one 128 bytes apart (padded). The
phases take turns (--turn) until --duration is over, and are marked.

THE PREDICTION. An atomic addition needs the line for as long as it lasts. So of N
threads that share a line only one can be at work at any time, and all together
they do at most what one of them does alone. Padded, each does what it does alone.
The time that an addition takes in each thread therefore grows at least N-fold:

    packed / padded >= N

In practice much more: the line also has to travel. How much is a property of the
machine (how far apart the cores are), and is measured. Where CPUs share a core,
and with it the cache, there is no line to fight over, and nothing is judged.

WHAT TO LOOK FOR
  1. observe --workload false-sharing
     How many nanoseconds does an addition take, packed and padded? The kernel sees
     two threads that run all the time in both phases: utilisation says nothing.
  2. on a machine with more CPUs: --cpus 0,1, then a pair farther apart
     Which pairs are near each other?
  3. `contended-counter --lock sharded` and `--lock packed`
     The same, as the last step in making a counter fast.)";

// One allocation in which the counters lie as the phase wants them.
class Counters {
 public:
  explicit Counters(std::size_t threads) : bytes_(kApart * (threads + 1)) {
    void* memory = operator new(bytes_, std::align_val_t{kApart});
    memory_.reset(new (memory) std::byte[bytes_]{});
    for (std::size_t i = 0; i < threads; ++i) {
      packed_.push_back(new (&memory_[i * 8]) std::atomic<std::uint64_t>(0));
      padded_.push_back(new (&memory_[(i + 1) * kApart]) std::atomic<std::uint64_t>(0));
    }
  }
  std::atomic<std::uint64_t>& at(std::size_t thread, bool packed) const {
    return *(packed ? packed_ : padded_)[thread];
  }

 private:
  struct Free {
    void operator()(std::byte* memory) const { operator delete(memory, std::align_val_t{kApart}); }
  };
  std::size_t bytes_;
  std::unique_ptr<std::byte[], Free> memory_;
  std::vector<std::atomic<std::uint64_t>*> packed_;
  std::vector<std::atomic<std::uint64_t>*> padded_;
};

struct Cost {
  std::int64_t operations = 0;
  Nanos cpu_time{};
};

class Contest {
 public:
  Contest(std::size_t threads, Nanos turn)
      : counters_(threads), turn_(turn), meeting_(static_cast<std::uint32_t>(threads)) {}

  void reset() { over_ = false; }

  void work(Worker& worker) {
    Cost packed;
    Cost padded;
    for (std::uint64_t phase = 0;; ++phase) {
      if (worker.position() == 0) over_ = over(worker, packed, padded);
      meeting_.arrive_and_wait();
      if (over_) break;
      worker.mark(MarkerKind::kPhase, phase, 0);
      add(worker, phase % 2 == 0, phase % 2 == 0 ? packed : padded);
      // Nobody must still be adding when `over_` is written.
      meeting_.arrive_and_wait();
    }
    for (const auto& [name, cost] : {std::pair{"packed", &packed}, {"padded", &padded}}) {
      worker.fact(fmt::format("{}_ops", name), cost->operations);
      worker.fact(fmt::format("{}_ns", name), to_ns(cost->cpu_time));
    }
  }

 private:
  // With --ops each counter gets that many in each layout, at least.
  static bool over(const Worker& worker, const Cost& packed, const Cost& padded) {
    if (worker.stopping()) return true;
    const auto wanted = worker.operations();
    return wanted && std::min(packed.operations, padded.operations) >= *wanted;
  }

  void add(const Worker& worker, bool packed, Cost& cost) {
    constexpr int kBatch = 256;  // additions between two looks at the clock
    std::atomic<std::uint64_t>& counter = counters_.at(worker.position(), packed);
    const Nanos cpu_begin = thread_cpu_time();
    const Time until = now() + turn_;
    while (!worker.stopping() && now() < until) {
      for (int i = 0; i < kBatch; ++i) counter.fetch_add(1, std::memory_order_relaxed);
      cost.operations += kBatch;
    }
    cost.cpu_time += thread_cpu_time() - cpu_begin;
  }

  const Counters counters_;
  const Nanos turn_;
  Rendezvous meeting_;
  bool over_ = false;  // written by the first thread before a meeting, read after it
};

Result<void> validate(const Values& values, const Machine&) {
  const std::int64_t threads = values.integer("threads");
  if (threads > kMostThreads) {
    return fail(usage_error("use --threads",
                            fmt::format("{} counters fit into a cache line", kMostThreads)));
  }
  if (values.has("duration") && 2 * values.duration("turn") > values.duration("duration")) {
    return fail(usage_error("use --turn", "--duration has no room for one turn of each layout"));
  }
  return {};
}

Result<void> run(const Values& values, Stage& stage) {
  const Scheduling& scheduling = stage.scheduling();
  const auto threads = static_cast<std::size_t>(values.integer("threads"));
  Contest contest(threads, values.duration("turn"));
  std::vector<ThreadPlan> plans(threads, {"counter", [&contest](Worker& worker) -> Result<void> {
                                            contest.work(worker);
                                            return {};
                                          }});
  if (scheduling.place == Place::kFree) {
    for (std::size_t i = 0; i < threads; ++i) {
      plans[i].scheduling.cpus = std::vector{scheduling.cpus[i % scheduling.cpus.size()]};
    }
  }
  if (auto done = stage.perform(std::move(plans), [&contest] { contest.reset(); }); !done) {
    return done;
  }
  for (const char* layout : {"packed", "padded"}) {
    const std::int64_t operations = stage.total(fmt::format("{}_ops", layout));
    const std::int64_t time = stage.total(fmt::format("{}_ns", layout));
    stage.fact(fmt::format("{}_ops", layout), operations);
    if (operations == 0) continue;
    stage.fact(fmt::format("{}_ns_per_op", layout),
               static_cast<double>(time) / static_cast<double>(operations));
  }
  return {};
}

}  // namespace

Spec false_sharing() {
  return {.name = "false-sharing",
          .idea = "Concurrency and parallelism",
          .summary = "counters of their own in one cache line, against a line for each",
          .explanation = kExplanation,
          .parameters = kParameters,
          .defaults = {},
          .roles = kRoles,
          .predictions = kPredictions,
          .thread_count = nullptr,
          .rights = nullptr,
          .validate = validate,
          .run = run};
}

}  // namespace observe::workloads
