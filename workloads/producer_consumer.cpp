// One thread makes items, another takes them, and a buffer of limited size stands between them.
#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "workloads/frame/clock.h"
#include "workloads/frame/futex.h"
#include "workloads/frame/rendezvous.h"
#include "workloads/frame/stage.h"
#include "workloads/queueing/schedule.h"
#include "workloads/specs.h"

namespace observe::workloads {
namespace {

constexpr std::string_view kWakes[] = {"batch", "each"};

constexpr Parameter kParameters[] = {
    {.name = "capacity",
     .type = ParameterType::kInteger,
     .unit = "items",
     .minimum = "1",
     .maximum = "100000",
     .fallback = "8",
     .help = "c: how many items fit into the buffer"},
    {.name = "work",
     .type = ParameterType::kDuration,
     .minimum = "100ns",
     .maximum = "10ms",
     .fallback = "500ns",
     .help = "CPU time to make an item, and to take one"},
    {.name = "wake",
     .type = ParameterType::kChoice,
     .fallback = "batch",
     .choices = kWakes,
     .help = "when a sleeper is woken: batch, when the other side can do no more; each, as soon as "
             "there is an item or a place"},
};

constexpr Default kDefaults[] = {{"threads", "2"}};

constexpr Role kRoles[] = {{"producer", "makes items; sleeps when the buffer is full"},
                           {"consumer", "takes items; sleeps when the buffer is empty"}};

constexpr PredictionSpec kPredictions[] = {
    {"lost items", "0", ""},
    {"out of order", "0", ""},
    {"switches per item, one CPU", "2 / c: each side leaves the CPU once for every c items",
     "--wake each, or a disturbed machine"},
    {"sleeps per item, two CPUs", "2 / c: each side sleeps once for every c items",
     "--wake each, or lost events"},
};

constexpr std::string_view kExplanation =
    R"(THE IDEA. A producer must not overrun its consumer, and a consumer must not take
what is not there. A bounded buffer with two waits does it: wait while full, wait
while empty. Every pipe, socket and work queue is one. The waits are sleeps in
the kernel, a switch each, and the size of the buffer decides how many.

WHAT IT DOES. The producer makes numbered items (--work of CPU time each) and puts
them into a buffer of c places (--capacity); the consumer takes them, works as
long on each, and checks the numbers. Whoever finds the buffer full or empty
sleeps in a futex. In the first half of the run both share one CPU; in the second
half each has its own. (--place one or spread: only one of the two.)

When is a sleeper woken? With --wake batch when the other side can do no more: the
consumer when the buffer is full, the producer when it is empty. With --wake each
as soon as there is an item or a place.

THE PREDICTION. No item is lost, and all come in order, always. With --wake batch
the producer fills all c places and must stop; the consumer empties them and must
stop. Each leaves its CPU once for c items:

    switches per item = 2 / c

on one CPU and on two, whatever the scheduler does. On two CPUs each stop is a
sleep, unless the other side is done before the kernel has put it to sleep; the
threads count how often, and that is the tolerance. On one CPU the scheduler may
let the woken side in at once; then its waker is preempted where it would have
slept a moment later, and when it comes back it is its turn again: a preemption
takes the place of a sleep.

With --wake each there is no such law. Where waking takes longer than filling the
buffer the two still move in lock-step; where it is quick they work at the same
time and hardly ever meet a full or an empty buffer. On this the report gives no
verdict; it says what was measured.

WHAT TO LOOK FOR
  1. observe --workload producer-consumer
     How many items pass, on one CPU and on two? Two are not always faster.
  2. the same with --capacity 1, then 2, 64, 1000
     Switches per item fall as 1 / c, and throughput rises. Until when?
  3. the same with --wake each
     Fewer sleeps on two CPUs, and more on one? Which of the two is quicker?
  4. the same with --wake each --work 100us
     Where items are expensive, waking early lets both CPUs work.)";

// One producer, one consumer. `sleepless` counts stops without a sleep: there was something to do
// again before the kernel had put the thread to sleep.
class Buffer {
 public:
  // `each`: whoever sleeps is woken for every item or place; else when the other one can do no
  // more.
  Buffer(std::size_t capacity, bool each) : slots_(capacity), each_(each) {}

  void put(std::uint64_t item, std::int64_t& sleepless) {
    await(producer_, capacity(), sleepless);
    slots_[producer_.passed++ % slots_.size()] = item;
    const std::uint32_t level = level_.fetch_add(1) + 1;
    if (each_) {
      wake_sleeper(consumer_);
    } else if (level == capacity()) {
      hand_over(producer_, consumer_);
    }
  }
  std::uint64_t take(std::int64_t& sleepless) {
    await(consumer_, 0, sleepless);
    const std::uint64_t item = slots_[consumer_.passed++ % slots_.size()];
    const std::uint32_t level = level_.fetch_sub(1) - 1;
    if (each_) {
      wake_sleeper(producer_);
    } else if (level == 0) {
      hand_over(consumer_, producer_);
    }
    return item;
  }
  // What is there may be taken now, though the buffer is not full.
  void flush() {
    if (!each_ && producer_.on) hand_over(producer_, consumer_);
  }
  void reset() {
    level_.store(0);
    turn_.store(producer_.number);
    for (Side* side : {&producer_, &consumer_}) {
      side->passed = 0;
      side->on = false;
    }
  }

 private:
  struct alignas(64) Side {
    const std::uint32_t number;
    std::uint64_t passed = 0;
    bool on = false;      // not each_: it has seen that it is its turn
    FutexWord sleeps{0};  // each_: it sleeps, or is about to
  };

  std::uint32_t capacity() const { return static_cast<std::uint32_t>(slots_.size()); }
  static bool sleep_while(FutexWord& word, std::uint32_t value) {
    return syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0) == 0;
  }

  // Until there is something to do for this side, for which nothing is left at level `unfit`.
  void await(Side& side, std::uint32_t unfit, std::int64_t& sleepless) {
    if (!each_) {
      if (side.on) return;
      bool slept = false;
      while (turn_.load() != side.number) slept = sleep_while(turn_, 1 - side.number) || slept;
      if (!slept) ++sleepless;
      side.on = true;
      return;
    }
    // Who is about to sleep says so first and looks again, in the kernel; who changes the level
    // looks for sleepers afterwards. So no wake-up is missed.
    while (level_.load() == unfit) {
      side.sleeps.store(1);
      if (!sleep_while(level_, unfit)) ++sleepless;
      side.sleeps.store(0);
    }
  }
  void wake_sleeper(Side& side) {
    if (side.sleeps.load() != 0 && side.sleeps.exchange(0) != 0) futex_wake(level_, 1);
  }
  void hand_over(Side& from, Side& to) {
    from.on = false;
    turn_.store(to.number);
    futex_wake(turn_, 1);
  }

  std::vector<std::uint64_t> slots_;
  const bool each_;
  alignas(64) FutexWord level_{0};
  alignas(64) FutexWord turn_{0};
  Side producer_{.number = 0};
  Side consumer_{.number = 1};
};

// Ends a half; not an item.
constexpr std::uint64_t kLast = ~std::uint64_t{0};

struct Half {
  std::string name;
  std::uint64_t number = 0;
  std::array<std::vector<Cpu>, 2> cpus;  // of the producer, of the consumer
};

struct Tally {
  std::int64_t items = 0;
  std::int64_t out_of_order = 0;
  std::int64_t sleepless = 0;
};

// Where the halves take place: together on the first CPU, then apart.
std::vector<Half> plan_halves(const Scheduling& scheduling) {
  const std::vector<Cpu>& cpus = scheduling.cpus;
  const std::vector<Cpu> first{cpus.front()};
  std::vector<Half> halves;
  if (scheduling.place != Place::kSpread) halves.push_back({"together", 0, {first, first}});
  if (scheduling.place != Place::kOne && cpus.size() > 1) {
    halves.push_back({"apart", 1, {first, {cpus[1]}}});
  }
  return halves;
}

Result<void> validate(const Values& values, const Machine&) {
  return check_fixed_threads(values, 2, "there is one producer and one consumer");
}

class Factory {
 public:
  Factory(const Values& values, std::vector<Half> halves, const WorkUnit& unit)
      : halves_(std::move(halves)),
        iterations_(unit.iterations(values.duration("work"))),
        buffer_(static_cast<std::size_t>(values.integer("capacity")),
                values.text("wake") == "each"),
        meeting_(2) {
    if (!values.has("ops")) {
      period_ = arrival_period(values.duration("duration")) / static_cast<int>(halves_.size());
    }
    reset();
  }

  void reset() {
    buffer_.reset();
    made_.assign(halves_.size(), {});
    taken_.assign(halves_.size(), {});
  }
  const std::vector<Half>& halves() const { return halves_; }
  const std::vector<Tally>& made() const { return made_; }
  const std::vector<Tally>& taken() const { return taken_; }

  Result<void> produce(Worker& worker) {
    std::uint64_t next = 0;
    for (std::size_t i = 0; i < halves_.size(); ++i) {
      if (auto moved = begin(worker, halves_[i], 0); !moved || failed_.load()) return moved;
      const Time end = period_ ? now() + *period_ : Time::max();
      const auto limit = worker.operations();
      Tally& made = made_[i];
      while (!worker.stopping() && (!limit || made.items < *limit) && now() < end) {
        spin_iterations(iterations_);
        buffer_.put(next++, made.sleepless);
        ++made.items;
      }
      buffer_.put(kLast, made.sleepless);
      buffer_.flush();
    }
    return {};
  }

  Result<void> consume(Worker& worker) {
    std::uint64_t expected = 0;
    for (std::size_t i = 0; i < halves_.size(); ++i) {
      if (auto moved = begin(worker, halves_[i], 1); !moved || failed_.load()) return moved;
      Tally& taken = taken_[i];
      while (true) {
        const std::uint64_t item = buffer_.take(taken.sleepless);
        if (item == kLast) break;
        spin_iterations(iterations_);
        if (item != expected) ++taken.out_of_order;
        expected = item + 1;
        ++taken.items;
      }
    }
    return {};
  }

 private:
  // Nobody puts or takes anything before both have come to their CPUs; if one cannot, neither does.
  Result<void> begin(Worker& worker, const Half& half, std::size_t side) {
    Result<void> moved = move_to(half.cpus[side]);
    if (!moved) failed_.store(true);
    meeting_.arrive_and_wait();
    worker.mark(MarkerKind::kPhase, half.number, half.number);
    return moved;
  }

  const std::vector<Half> halves_;
  const std::uint64_t iterations_;
  std::optional<Nanos> period_;
  Buffer buffer_;
  Rendezvous meeting_;
  std::atomic<bool> failed_{false};
  std::vector<Tally> made_;
  std::vector<Tally> taken_;
};

Result<void> run(const Values& values, Stage& stage) {
  Factory factory(values, plan_halves(stage.scheduling()), stage.work_unit());
  std::vector<ThreadPlan> plans;
  plans.push_back({"producer", [&](Worker& worker) { return factory.produce(worker); }});
  plans.push_back({"consumer", [&](Worker& worker) { return factory.consume(worker); }});
  if (auto done = stage.perform(std::move(plans), [&] { factory.reset(); }); !done) return done;

  std::int64_t lost = 0;
  std::int64_t out_of_order = 0;
  for (std::size_t i = 0; i < factory.halves().size(); ++i) {
    const Tally& taken = factory.taken()[i];
    stage.fact(factory.halves()[i].name + "_items", taken.items);
    stage.fact(factory.halves()[i].name + "_sleepless",
               factory.made()[i].sleepless + taken.sleepless);
    lost += factory.made()[i].items - taken.items;
    out_of_order += taken.out_of_order;
  }
  stage.fact("wake_batch", values.text("wake") == "batch");
  stage.fact("capacity", values.integer("capacity"));
  stage.fact("lost", lost);
  stage.fact("out_of_order", out_of_order);
  return {};
}

}  // namespace

Spec producer_consumer() {
  return {.name = "producer-consumer",
          .idea = "Throughput and latency",
          .summary = "a bounded buffer between two threads: who sleeps, and how often",
          .explanation = kExplanation,
          .parameters = kParameters,
          .defaults = kDefaults,
          .roles = kRoles,
          .predictions = kPredictions,
          .thread_count = [](const Values&) -> std::int64_t { return 2; },
          .rights = nullptr,
          .validate = validate,
          .run = run};
}

}  // namespace observe::workloads
