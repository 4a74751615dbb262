// A server with a waiting room of limited size: who finds it full goes away for good.
#include <algorithm>
#include <cmath>
#include <deque>
#include <vector>

#include <fmt/format.h>

#include "workloads/frame/clock.h"
#include "workloads/frame/stage.h"
#include "workloads/queueing/recursion.h"
#include "workloads/queueing/schedule.h"
#include "workloads/specs.h"

namespace observe::workloads {
namespace {

constexpr Parameter kParameters[] = {
    {.name = "room",
     .type = ParameterType::kInteger,
     .unit = "customers",
     .minimum = "1",
     .maximum = "1000",
     .fallback = "4",
     .help = "K: how many may be there at once, the one that is served included"},
    {.name = "rho",
     .type = ParameterType::kReal,
     .minimum = "0.01",
     .maximum = "10",
     .fallback = "0.9",
     .help = "load offered: work that comes per time; above 1 more than can be done"},
    {.name = "service-mean",
     .type = ParameterType::kDuration,
     .minimum = "100us",
     .maximum = "100ms",
     .fallback = "500us",
     .help = "CPU time that a customer takes in the mean, exponentially distributed"},
};

constexpr Default kDefaults[] = {{"threads", "1"}, {"place", "one"}};

constexpr Role kRoles[] = {{"barber", "serves those who wait, and sleeps when nobody is there"}};

constexpr PredictionSpec kPredictions[] = {
    {"lost, replayed",
     "the same arrivals and, by the kernel's events, times of service, waking and waiting for a "
     "CPU, "
     "replayed through K places",
     "fewer than 200 arrivals, or lost events"},
    {"lost, M/M/1/K", "(1-r) r^K / (1 - r^(K+1)), within three errors of sampling",
     "fewer than 200 arrivals, or a disturbed machine"},
};

constexpr std::string_view kExplanation =
    R"(THE IDEA. An unbounded queue never turns anyone away; it makes everybody wait
instead, without limit. A bounded one keeps the waiting short and loses some.
Sockets drop packets, servers answer 503, a barber's shop has a few chairs:
under load something has to give, and a bound decides what.

WHAT IT DOES. Customers come at moments drawn from --seed, with exponential gaps.
At most K may be in the shop (--room), the one in the chair included. Who finds
it full goes away and is lost. The barber, one thread, serves in the order of
arrival, each for an exponentially distributed CPU time, and sleeps when nobody
is there. --rho says how much work is offered: at 1.5 half as much again as can
be done, and the room still bounds the waiting.

THE PREDICTIONS
  Replayed. The same arrivals and the time that each service took are sent
  through K places once more, in arithmetic: once as if the barber always had a
  CPU and lost no time with waking, and once with all that the kernel's events
  tell: timer, wake-up, waiting for a CPU. The second must lose as many as the
  barber did, but for those who came within a clock reading of a departure. What
  it loses more than the first is the operating system's share.

  The formula of the textbook, for r = work offered per time:

      share lost = (1-r) r^K / (1 - r^(K+1))         (1/(K+1) at r = 1)

  It is the long run of the same thing. A run of a second or two has an error of
  sampling, which the run itself tells: the losses in twenty stretches of it
  differ by so much. Three of these errors are the tolerance, and what was lost
  because the barber had no CPU.

WHAT TO LOOK FOR
  1. observe --workload waiting-room
     How many are lost though the barber is idle a part of the time?
  2. the same with --room 1, then --room 20
     What does a place more gain, and what does it cost those who wait?
  3. the same with --rho 1.5 --room 3, then --room 30
     More places do not help who is offered too much work. What do they do?)";

struct Customers {
  std::vector<Time> arrivals;  // after a start at zero
  std::vector<Nanos> work;     // of those who are served, in the order of service
};

struct Shop {
  std::vector<Time> arrivals;   // of all that came, let in or not
  std::vector<bool> lost;       // of the same
  std::vector<Nanos> services;  // CPU time
  Nanos latency{};              // of those served, sum
};

Customers draw(Worker& worker, const Values& values) {
  const auto mean = static_cast<double>(to_ns(values.duration("service-mean")));
  const auto limit = worker.operations();
  const double end =
      limit ? 0 : static_cast<double>(to_ns(arrival_period(values.duration("duration"))));
  Customers customers;
  double at = 0;
  while (!limit || static_cast<std::int64_t>(customers.arrivals.size()) < *limit) {
    at += exponential(worker.random(), mean / values.real("rho"));
    const double work = exponential(worker.random(), mean);
    if (!limit && at >= end) break;
    customers.arrivals.push_back(time_at(static_cast<std::int64_t>(at)));
    customers.work.emplace_back(static_cast<std::int64_t>(work));
  }
  return customers;
}

// Lets in, or turns away, who came until `until`, while `served_now` sat in the chair.
void let_in(Worker& worker, Shop& shop, std::deque<Time>& waiting, const Customers& customers,
            Time start, Time until, std::size_t served_now, std::size_t capacity) {
  while (shop.arrivals.size() < customers.arrivals.size()) {
    const Time arrival = start + customers.arrivals[shop.arrivals.size()].time_since_epoch();
    if (arrival > until) return;
    const bool full = waiting.size() + served_now >= capacity;
    shop.arrivals.push_back(arrival);
    shop.lost.push_back(full);
    if (!full) {
      waiting.push_back(arrival);
      continue;
    }
    // An operation that begins with no arrival is one that was turned away.
    const auto number = static_cast<std::uint64_t>(shop.lost.size());
    worker.mark(MarkerKind::kOperationBegin, number, 0);
    worker.mark(MarkerKind::kOperationEnd, number, static_cast<std::uint64_t>(to_ns(arrival)));
  }
}

Shop keep_shop(Worker& worker, const Customers& customers, const WorkUnit& unit,
               std::size_t capacity) {
  Shop shop;
  std::deque<Time> waiting;
  const Time start = now();
  while (!worker.stopping()) {
    if (waiting.empty()) {
      if (shop.arrivals.size() == customers.arrivals.size()) break;
      const Time next = start + customers.arrivals[shop.arrivals.size()].time_since_epoch();
      if (!sleep_until(worker, next)) break;
      let_in(worker, shop, waiting, customers, start, next, 0, capacity);
    }
    const Time arrival = waiting.front();
    waiting.pop_front();
    const auto number = static_cast<std::uint64_t>(shop.services.size());
    const auto stamp = static_cast<std::uint64_t>(to_ns(arrival));
    const Nanos cpu = thread_cpu_time();
    worker.mark(MarkerKind::kOperationBegin, number, stamp);
    unit.work(customers.work[number]);
    worker.mark(MarkerKind::kOperationEnd, number, stamp);
    const Time end = now();
    shop.services.push_back(thread_cpu_time() - cpu);
    shop.latency += end - arrival;
    let_in(worker, shop, waiting, customers, start, end, 1, capacity);
  }
  return shop;
}

// Of the share lost, by the shares in twenty stretches of the run.
double sampling_error(const std::vector<bool>& lost) {
  constexpr std::size_t kStretches = 20;
  const std::size_t size = lost.size() / kStretches;
  if (size == 0) return 1;
  double sum = 0;
  double squares = 0;
  for (std::size_t stretch = 0; stretch < kStretches; ++stretch) {
    const auto begin = lost.begin() + static_cast<std::ptrdiff_t>(stretch * size);
    const double share =
        static_cast<double>(std::count(begin, begin + static_cast<std::ptrdiff_t>(size), true)) /
        static_cast<double>(size);
    sum += share;
    squares += share * share;
  }
  const double variance = (squares - sum * sum / kStretches) / (kStretches - 1);
  return std::sqrt(std::max(0.0, variance) / kStretches);
}

Result<void> validate(const Values& values, const Machine&) {
  if (auto one = check_fixed_threads(values, 1, "one barber works here"); !one) return one;
  constexpr double kMost = 1e6;
  const auto gap = static_cast<double>(to_ns(values.duration("service-mean"))) / values.real("rho");
  const double customers = values.has("ops")
                               ? static_cast<double>(values.integer("ops"))
                               : static_cast<double>(to_ns(values.duration("duration"))) / gap;
  if (customers <= kMost) return {};
  return fail(usage_error(values.has("ops") ? "use --ops" : "use --duration",
                          "a million customers are the most",
                          "use a smaller one, or a longer --service-mean"));
}

Result<void> run(const Values& values, Stage& stage) {
  const WorkUnit unit = stage.work_unit();
  const Nanos clock_cost = measure_clock_cost();
  const auto capacity = static_cast<std::size_t>(values.integer("room"));
  Customers customers;
  Shop shop;
  const auto body = [&](Worker& worker) -> Result<void> {
    ask_for_exact_timers();
    customers = draw(worker, values);
    shop = keep_shop(worker, customers, unit, capacity);
    return {};
  };
  if (auto done = stage.perform({{"barber", body}}); !done) return done;

  const auto lost = std::count(shop.lost.begin(), shop.lost.end(), true);
  // An ideal barber may serve more; what their work would have taken is what was drawn.
  std::vector<Nanos> services = customers.work;
  std::copy(shop.services.begin(), shop.services.end(), services.begin());
  const std::size_t replay_lost = replay_room(shop.arrivals, services, capacity);
  Nanos cpu{};
  for (const Nanos service : shop.services) cpu += service;
  const auto served = static_cast<double>(shop.services.size());
  stage.fact("room", static_cast<std::int64_t>(capacity));
  stage.fact("offered_rho", values.real("rho"));
  stage.fact("service_mean_ns", to_ns(values.duration("service-mean")));
  stage.fact("arrivals", static_cast<std::int64_t>(shop.arrivals.size()));
  stage.fact("served", static_cast<std::int64_t>(shop.services.size()));
  stage.fact("lost", static_cast<std::int64_t>(lost));
  stage.fact("replay_lost", static_cast<std::int64_t>(replay_lost));
  stage.fact("lost_sampling_error", sampling_error(shop.lost));
  stage.fact("mean_service_ns", served > 0 ? static_cast<double>(to_ns(cpu)) / served : 0.0);
  stage.fact("mean_latency_ns",
             served > 0 ? static_cast<double>(to_ns(shop.latency)) / served : 0.0);
  stage.fact("clock_cost_ns", to_ns(clock_cost));
  return {};
}

}  // namespace

Spec waiting_room() {
  return {.name = "waiting-room",
          .idea = "Throughput and latency",
          .summary = "a queue with a bound: short waiting, paid for with those it turns away",
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
