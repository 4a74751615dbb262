// Many threads wait for one thing. Waking all of them for it is a stampede of which one is served.
#include <cerrno>
#include <vector>

#include <fmt/format.h>

#include "workloads/frame/clock.h"
#include "workloads/frame/futex.h"
#include "workloads/frame/stage.h"
#include "workloads/queueing/schedule.h"
#include "workloads/specs.h"

namespace observe::workloads {
namespace {

constexpr std::string_view kNotify[] = {"both", "one", "all"};

constexpr Parameter kParameters[] = {
    {.name = "notify",
     .type = ParameterType::kChoice,
     .fallback = "both",
     .choices = kNotify,
     .help = "whom a token wakes: one waiter, all of them, or half of the run each"},
    {.name = "period",
     .type = ParameterType::kDuration,
     .minimum = "200us",
     .maximum = "1s",
     .fallback = "2ms",
     .help = "time from one token to the next"},
};

constexpr Default kDefaults[] = {{"threads", "8"}};

constexpr Role kRoles[] = {
    {"waiter", "sleeps until it is woken, and takes a token if there is one"},
    {"giver", "puts down one token after the other and wakes for it"}};

constexpr PredictionSpec kPredictions[] = {
    {"wake-ups per token, one", "1", "fewer than 30 tokens, or lost events"},
    {"wake-ups per token, all", "n: every waiter, though one gets it",
     "fewer than 30 tokens, or lost events"},
    {"tokens taken", "each token once, by one waiter", ""},
};

constexpr std::string_view kExplanation =
    R"(THE IDEA. Threads sleep until there is something to do. When one thing comes,
waking all of them is safe and simple, and wasteful: one gets it, all the others
have been woken for nothing, fight for the CPU and the lock, find nothing, and
go to sleep again. Servers had it with accept() and hundreds of processes;
whoever calls notify_all where notify_one would do has it today.

WHAT IT DOES. n threads (--threads) sleep on one futex, the kernel's queue that
condition variables are made of. Every --period the giver puts down one token and
wakes: in the first half of the run one waiter (notify_one), in the second half
all (notify_all). Whoever is woken tries to take the token in one atomic step,
and sleeps again. The giver goes on only when all are asleep, so that each token
finds the same situation.

THE PREDICTION. Notify one: one wake-up per token. Notify all: n of them, of which
n-1 are for nothing. No token is lost or taken twice in either. The wake-ups are
counted from the kernel's events, not by the threads. What the stampede costs in
switches and CPU time the report sets side by side.

WHAT TO LOOK FOR
  1. observe --workload thundering-herd
     What does a token cost, with one and with all?
  2. the same with --threads 64
     The cost of notify one stays. That of notify all?
  3. the same with --place one, then --place free
     Where all share one CPU the herd queues up; how long until the last one has
     found nothing? With more CPUs it runs on all of them: who pays then?)";

// How long a waiter or token that is not ready yet is given before the giver looks again.
constexpr Nanos kLookAgain = std::chrono::microseconds{100};

struct Meadow {
  alignas(64) FutexWord generation{0};  // counts tokens; what waiters sleep on
  alignas(64) std::atomic<std::uint32_t> tokens{0};
  alignas(64) std::atomic<std::uint32_t> asleep{0};  // or about to be
  alignas(64) std::atomic<bool> closed{false};

  void reset() {
    tokens.store(0);
    closed.store(false);
  }
  void give(int waiters) {
    tokens.store(1, std::memory_order_relaxed);
    generation.fetch_add(1, std::memory_order_release);
    futex_wake(generation, waiters);
  }
  void close() {
    closed.store(true, std::memory_order_relaxed);
    generation.fetch_add(1, std::memory_order_release);
    futex_wake_all(generation);
  }
};

struct Given {
  std::int64_t tokens = 0;
};

Result<void> wait_for_tokens(Worker& worker, Meadow& meadow) {
  std::int64_t taken = 0;
  std::int64_t sleepless = 0;  // a token came before the kernel had put it to sleep
  std::int64_t woken = 0;
  while (true) {
    const std::uint32_t seen = meadow.generation.load(std::memory_order_acquire);
    if (meadow.closed.load(std::memory_order_relaxed)) break;
    meadow.asleep.fetch_add(1, std::memory_order_acq_rel);
    const long slept =
        syscall(SYS_futex, &meadow.generation, FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
    if (slept != 0 && errno == EAGAIN) ++sleepless;
    meadow.asleep.fetch_sub(1, std::memory_order_acq_rel);
    if (meadow.closed.load(std::memory_order_relaxed)) break;
    ++woken;
    std::uint32_t one = 1;
    if (meadow.tokens.compare_exchange_strong(one, 0, std::memory_order_acq_rel)) ++taken;
  }
  worker.fact("ops", taken);
  worker.fact("woken", woken);
  worker.fact("sleepless", sleepless);
  return {};
}

// False: the run was stopped.
bool wait_until_asleep(const Worker& worker, const Meadow& meadow, std::uint32_t waiters) {
  while (meadow.tokens.load(std::memory_order_acquire) != 0 ||
         meadow.asleep.load(std::memory_order_acquire) != waiters) {
    if (!sleep_until(worker, now() + kLookAgain)) return false;
  }
  return true;
}

// One token every period until `end` or `limit`.
Given give_tokens(Worker& worker, Meadow& meadow, std::uint32_t waiters, bool to_all, Nanos period,
                  Time end, std::optional<std::int64_t> limit) {
  Given given;
  Time next = now() + period;
  while (next < end && (!limit || given.tokens < *limit)) {
    if (!sleep_until(worker, next) || !wait_until_asleep(worker, meadow, waiters)) break;
    meadow.give(to_all ? static_cast<int>(waiters) : 1);
    ++given.tokens;
    // From now, not from when it was due: a token that came late must not hurry the next one.
    next = now() + period;
  }
  return given;
}

Result<void> validate(const Values& values, const Machine&) {
  if (values.has("ops")) return {};
  if (arrival_period(values.duration("duration")) / 2 > 2 * values.duration("period")) return {};
  return fail(usage_error("use --period", "no token would be given in half of the run",
                          "use a longer --duration"));
}

Result<void> run(const Values& values, Stage& stage) {
  const auto waiters = static_cast<std::uint32_t>(values.integer("threads"));
  const std::string& notify = values.text("notify");
  const bool both = notify == "both";
  const Nanos period = values.duration("period");
  Meadow meadow;
  Given to_one;
  Given to_all;
  std::vector<ThreadPlan> plans(waiters, {"waiter", [&](Worker& worker) -> Result<void> {
                                            return wait_for_tokens(worker, meadow);
                                          }});
  plans.push_back(
      {"giver", [&](Worker& worker) -> Result<void> {
         ask_for_exact_timers();
         to_one = to_all = {};
         const auto limit = worker.operations();
         const Nanos all = limit ? Nanos::zero() : arrival_period(values.duration("duration"));
         const auto ending = [&](Nanos after) { return limit ? Time::max() : now() + after; };
         if (notify != "all" && wait_until_asleep(worker, meadow, waiters)) {
           worker.mark(MarkerKind::kPhase, 0, 1);
           to_one = give_tokens(worker, meadow, waiters, false, period,
                                ending(both ? all / 2 : all), limit);
         }
         if (notify != "one" && wait_until_asleep(worker, meadow, waiters)) {
           worker.mark(MarkerKind::kPhase, 1, waiters);
           to_all = give_tokens(worker, meadow, waiters, true, period, ending(both ? all / 2 : all),
                                limit);
         }
         static_cast<void>(wait_until_asleep(worker, meadow, waiters));
         worker.mark(MarkerKind::kPhase, 2, 0);  // what follows does not count
         meadow.close();
         worker.fact("ops", std::int64_t{0});
         worker.fact("woken", std::int64_t{0});
         worker.fact("sleepless", std::int64_t{0});
         return {};
       }});
  if (auto done = stage.perform(std::move(plans), [&] { meadow.reset(); }); !done) return done;
  stage.fact("waiters", static_cast<std::int64_t>(waiters));
  stage.fact("tokens_to_one", to_one.tokens);
  stage.fact("tokens_to_all", to_all.tokens);
  stage.fact("taken", stage.total("ops"));
  stage.fact("woken", stage.total("woken"));
  stage.fact("sleepless", stage.total("sleepless"));
  stage.fact("left_over", static_cast<std::int64_t>(meadow.tokens.load()));
  return {};
}

}  // namespace

Spec thundering_herd() {
  return {.name = "thundering-herd",
          .idea = "Throughput and latency",
          .summary = "one token, many waiters: waking one of them against waking all",
          .explanation = kExplanation,
          .parameters = kParameters,
          .defaults = kDefaults,
          .roles = kRoles,
          .predictions = kPredictions,
          .thread_count = [](const Values& values) -> std::int64_t {
            return values.integer("threads") + 1;
          },
          .rights = nullptr,
          .validate = validate,
          .run = run};
}

}  // namespace observe::workloads
