// Requests come when they come, whether or not the server is ready for them. What they wait is set
// against the same arrivals and the same work on a server that always has its CPU.
#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "workloads/frame/clock.h"
#include "workloads/frame/stage.h"
#include "workloads/queueing/recursion.h"
#include "workloads/queueing/schedule.h"
#include "workloads/specs.h"

namespace observe::workloads {
namespace {

constexpr std::string_view kServices[] = {"exp", "fixed"};

constexpr Parameter kParameters[] = {
    {.name = "rho",
     .type = ParameterType::kReal,
     .minimum = "0.01",
     .maximum = "0.95",
     .fallback = "0.5",
     .help = "load: the share of its time that the server is busy"},
    {.name = "service-mean",
     .type = ParameterType::kDuration,
     .minimum = "50us",
     .maximum = "100ms",
     .fallback = "300us",
     .help = "CPU time that a request takes in the mean"},
    {.name = "service",
     .type = ParameterType::kChoice,
     .fallback = "exp",
     .choices = kServices,
     .help = "exp: exponentially distributed, mostly short and some long; fixed: all the same"},
    {.name = "spinner",
     .type = ParameterType::kFlag,
     .fallback = "off",
     .help = "a second thread computes without end on the server's CPU"},
};

constexpr Default kDefaults[] = {{"threads", "1"}, {"place", "one"}};

constexpr Role kRoles[] = {
    {"server", "serves one request after the other, and sleeps when none is there"},
    {"spinner", "computes without end (--spinner)"}};

constexpr PredictionSpec kPredictions[] = {
    {"Little's law", "L = lambda W, over the requests served", "events were lost"},
    {"mean latency",
     "Lindley's recursion on the arrivals and the work measured, and on top what the kernel's "
     "events say the server waited",
     "fewer than 100 requests, or lost events"},
    {"utilisation", "rho = lambda S, S: the work as it was drawn", "a disturbed machine"},
};

constexpr std::string_view kExplanation =
    R"(THE IDEA. A server that is busy half of the time still lets requests wait: they
do not come evenly, and who comes in a crowd queues. How long a request takes is
therefore three things: its own work, the queue in front of it, and what the
operating system adds: the timer, the wake-up, the wait for a CPU. Measured
together they are a riddle. This workload takes them apart.

WHAT IT DOES. Requests arrive at moments drawn beforehand from --seed, with
exponential gaps, so that the server is busy a share rho (--rho) of its time.
One thread serves them in order; when none is there it sleeps until the next one
is to come. Each is stamped with the moment at which it was MEANT to come. A
load generator that stamps a request when it gets round to sending it leaves out
just the waiting that a slow server causes (coordinated omission); here a late
server is charged with everything.

THREE YARDSTICKS
  Little's law. Mean number in the system = arrival rate times mean latency, for
  any arrivals, any work, any scheduler: L = lambda W. It checks the books: L
  comes from adding up who is there at each moment, W from the server's stamps.

  Lindley's recursion. A request begins when it has come and the one before it
  is done. Feed it with these very arrivals and the CPU time that each request
  took, and it tells what the latencies would be if the server always had its
  CPU. What is measured beyond that is the operating system's share. The kernel's
  events must account for it: time from due to woken (timer), from woken to
  queued (wake delay), and on the run queue. Add these to each request, follow
  the recursion, and the mean must be the measured one, but for the CPU time
  that a wake-up itself takes, which is measured before the run.

  The formula of the textbook. With exponential work the mean latency is
  S / (1 - rho) in the long run: at rho = 0.9 ten times the work. A second or two
  is not the long run, so the report gives it beside its error of sampling, and
  no verdict rests on it.

WHAT TO LOOK FOR
  1. observe --workload open-loop
     How much of the latency is work, queue, operating system?
  2. the same with --rho 0.3, 0.7, 0.9
     Latency explodes while the server still has time to spare. Why?
  3. the same with --service fixed --rho 0.7
     The same load without long requests: about half of the queueing is gone.
  4. the same with --rho 0.3 --spinner
     Work and queue are what they were; nearly all the rest is the scheduler's.
     Which of its parts has grown?)";

struct Drawn {
  Nanos after{};  // the start
  Nanos work{};
};

struct Tally {
  std::vector<Request> served;  // with the CPU time measured
  Nanos drawn{};                // work of those
  Nanos latency{};              // sum
};

std::vector<Drawn> draw(Worker& worker, const Values& values) {
  const auto mean = static_cast<double>(to_ns(values.duration("service-mean")));
  const bool fixed = values.text("service") == "fixed";
  std::vector<Drawn> drawn;
  const auto limit = worker.operations();
  const Nanos end = limit ? Nanos::max() : arrival_period(values.duration("duration"));
  double at = 0;
  while (!limit || static_cast<std::int64_t>(drawn.size()) < *limit) {
    at += exponential(worker.random(), mean / values.real("rho"));
    const double work = fixed ? mean : exponential(worker.random(), mean);
    if (at >= static_cast<double>(to_ns(end))) break;
    drawn.push_back({Nanos{static_cast<std::int64_t>(at)}, Nanos{static_cast<std::int64_t>(work)}});
  }
  return drawn;
}

void serve(Worker& worker, const std::vector<Drawn>& drawn, const WorkUnit& unit, Tally& tally) {
  const Time start = now();
  for (const Drawn& next : drawn) {
    const Time arrival = start + next.after;
    if (!sleep_until(worker, arrival)) return;
    const auto number = static_cast<std::uint64_t>(tally.served.size());
    const auto stamp = static_cast<std::uint64_t>(to_ns(arrival));
    const Nanos cpu = thread_cpu_time();
    worker.mark(MarkerKind::kOperationBegin, number, stamp);
    unit.work(next.work);
    worker.mark(MarkerKind::kOperationEnd, number, stamp);
    const Time end = now();
    tally.served.push_back({arrival, thread_cpu_time() - cpu});
    tally.drawn += next.work;
    tally.latency += end - arrival;
  }
}

Result<void> validate(const Values& values, const Machine&) {
  if (auto one = check_fixed_threads(values, 1, "one server works here; see --spinner"); !one) {
    return one;
  }
  if (values.flag("spinner") && values.text("place") != "one") {
    return fail(
        usage_error("use --spinner", "it is to share one CPU with the server", "use --place one"));
  }
  const auto gap = static_cast<double>(to_ns(values.duration("service-mean"))) / values.real("rho");
  constexpr double kMostRequests = 1e6;
  if (values.has("ops") && static_cast<double>(values.integer("ops")) > kMostRequests) {
    return fail(usage_error("use --ops", "a million requests are the most"));
  }
  if (values.has("duration") &&
      static_cast<double>(to_ns(values.duration("duration"))) > kMostRequests * gap) {
    return fail(usage_error("use --duration", "more than a million requests would come",
                            "use a shorter --duration or a longer --service-mean"));
  }
  return {};
}

Result<void> run(const Values& values, Stage& stage) {
  const WorkUnit unit = stage.work_unit();
  const Nanos wake_cost = measure_wake_cost();
  Tally tally;
  std::size_t came = 0;
  std::atomic<bool> done{false};
  std::vector<ThreadPlan> plans;
  plans.push_back({"server", [&](Worker& worker) -> Result<void> {
                     ask_for_exact_timers();
                     const std::vector<Drawn> drawn = draw(worker, values);
                     tally = {};
                     tally.served.reserve(drawn.size());
                     came = drawn.size();
                     serve(worker, drawn, unit, tally);
                     done.store(true, std::memory_order_relaxed);
                     return {};
                   }});
  if (values.flag("spinner")) {
    plans.push_back({"spinner", [&](Worker& worker) -> Result<void> {
                       while (!worker.stopping() && !done.load(std::memory_order_relaxed)) {
                         spin_iterations(1000);
                       }
                       return {};
                     }});
  }
  const auto reset = [&] { done.store(false, std::memory_order_relaxed); };
  if (auto performed = stage.perform(std::move(plans), reset); !performed) return performed;

  const auto served = static_cast<double>(tally.served.size());
  const auto mean = [served](Nanos sum) {
    return served > 0 ? static_cast<double>(to_ns(sum)) / served : 0.0;
  };
  stage.fact("requests", static_cast<std::int64_t>(tally.served.size()));
  stage.fact("not_served", static_cast<std::int64_t>(came - tally.served.size()));
  stage.fact("rho", values.real("rho"));
  stage.fact("service_mean_ns", to_ns(values.duration("service-mean")));
  stage.fact("exponential", values.text("service") == "exp");
  stage.fact("mean_latency_ns", mean(tally.latency));
  stage.fact("lindley_mean_ns", mean(lindley_latencies(tally.served)));
  stage.fact("mean_drawn_ns", mean(tally.drawn));
  Nanos cpu{};
  for (const Request& request : tally.served) cpu += request.service;
  stage.fact("mean_service_ns", mean(cpu));
  stage.fact("wake_cost_ns", to_ns(wake_cost));
  return {};
}

}  // namespace

Spec open_loop() {
  return {.name = "open-loop",
          .idea = "Throughput and latency",
          .summary = "requests that come by chance: work, queue, and the operating system's share",
          .explanation = kExplanation,
          .parameters = kParameters,
          .defaults = kDefaults,
          .roles = kRoles,
          .predictions = kPredictions,
          .thread_count = [](const Values& values) -> std::int64_t {
            return values.flag("spinner") ? 2 : 1;
          },
          .rights = nullptr,
          .validate = validate,
          .run = run};
}

}  // namespace observe::workloads
