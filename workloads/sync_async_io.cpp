// One program, several slow devices: waiting for one after the other, with a thread for each, or
// for all at once in one thread.
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "workloads/frame/clock.h"
#include "workloads/frame/rendezvous.h"
#include "workloads/frame/stage.h"
#include "workloads/io/client.h"
#include "workloads/io/devices.h"
#include "workloads/io/uring.h"
#include "workloads/queueing/schedule.h"
#include "workloads/specs.h"

namespace observe::workloads {
namespace {

constexpr std::string_view kHow[] = {"all", "blocking", "threads", "epoll", "io_uring"};

constexpr Parameter kParameters[] = {
    {.name = "how",
     .type = ParameterType::kChoice,
     .fallback = "all",
     .choices = kHow,
     .help = "blocking: one thread, one device after the other; threads: one for each device; "
             "epoll, io_uring: one thread waits for all; all: these four, one after the other"},
    {.name = "devices",
     .type = ParameterType::kInteger,
     .unit = "devices",
     .minimum = "1",
     .maximum = "64",
     .fallback = "8",
     .help = "k: how many there are"},
    {.name = "latency",
     .type = ParameterType::kDuration,
     .minimum = "500us",
     .maximum = "1s",
     .fallback = "5ms",
     .help = "L: how long a device takes to answer"},
    {.name = "work",
     .type = ParameterType::kDuration,
     .minimum = "1us",
     .maximum = "100ms",
     .fallback = "100us",
     .help = "c: CPU time to work off an answer"},
    {.name = "rounds",
     .type = ParameterType::kInteger,
     .unit = "requests",
     .minimum = "1",
     .maximum = "100000",
     .fallback = "20",
     .help = "R: requests to each device, the next one when the answer to the last is worked off"},
};

constexpr Default kDefaults[] = {{"threads", "1"}, {"duration", "60s"}};

constexpr Role kRoles[] = {{"caller", "serves all devices alone: blocking, epoll, io_uring"},
                           {"reader", "serves one device (threads)"}};

constexpr PredictionSpec kPredictions[] = {
    {"time, blocking", "kR(L+c)", "a disturbed machine"},
    {"time, threads", "R(L+c) + (k/m-1)c on m CPUs, at least L + kRc/m", "a disturbed machine"},
    {"time, epoll", "R(L+c) + (k-1)c, at least L + kRc", "a disturbed machine"},
    {"time, io_uring", "as for epoll", "a disturbed machine, or a kernel that allows no io_uring"},
    {"sleeps per request, blocking", "1", "a disturbed machine"},
    {"sleeps per request, threads", "1", "a disturbed machine"},
    {"sleeps per request, epoll", "at most 1", "a disturbed machine"},
};

constexpr std::string_view kExplanation =
    R"(THE IDEA. A program that waits for a slow device does nothing meanwhile. With
several devices it could wait for all of them at the same time. That needs no
second CPU: waiting costs nothing. It needs only a way to wait for more than one
thing. Threads are one: each waits for its own. Readiness (epoll) and completion
(io_uring) are others: one thread tells the kernel what it waits for, and is
woken for whatever comes first. This is what asynchronous means: the waiting
overlaps, though nothing runs in parallel.

WHAT IT DOES. There are k devices (--devices). Each answers a request after L
(--latency); to work an answer off takes c of CPU time (--work), and then the next
request goes out, R times for each device (--rounds). The devices are timers that
are read like files, so that they are equally slow on every machine. The same is
done in four ways, one after the other (--how chooses one):
  blocking  ask the first device, sleep in read() until it has answered, work it
            off, ask the next one
  threads   the same with a thread for each device
  epoll     one thread asks all, sleeps until any has answered, reads it, works it
            off, asks it again
  io_uring  one thread hands all reads to the kernel, and gets them back done.
            Where the kernel or a container does not allow it, the report says so

THE PREDICTION. Blocking adds up all times: kR(L+c). The others wait for all devices
at once. A device's round takes L+c; in the first round all answer together and
the last one is worked off after (k-1)c more. From then on they are staggered and
do not meet again:

    R(L+c) + (k-1)c        as long as kc < L+c

With more work than that the CPU is never idle, and the sum is L + kRc. Threads on
m CPUs share the work: k/m takes the place of k. What a wake-up costs is measured
before the run, and goes in with L; what the threads waited for a CPU, by the
kernel's events, is part of the tolerance. Sleeps are counted from the kernel's events:
one for each request where somebody waits for it alone, and at most one where one
wake-up may bring several answers.

WHAT TO LOOK FOR
  1. observe --workload sync-async-io
     How far apart are blocking and the rest? Threads and epoll?
  2. the same with --devices 1
     Is there anything left that asynchrony could gain?
  3. the same with --work 1ms --place one, then --place free
     Now the CPU is the bottleneck (kc > L+c). Which way profits from a second
     CPU, and why only that one?)";

enum Way : std::uint64_t { kBlocking, kThreads, kEpoll, kUring, kNone };
constexpr std::string_view kNames[] = {"blocking", "threads", "epoll", "io_uring"};

// All that the threads share.
struct Desk {
  Desk(const Values& values, std::uint64_t iterations, Devices made)
      : devices(std::move(made)),
        work(iterations),
        rounds(values.integer("rounds")),
        answers(devices.size()),
        how(values.text("how")),
        meeting(static_cast<std::uint32_t>(devices.size()) + 1) {}

  bool wants(Way way) const { return how == "all" || how == kNames[way]; }

  Devices devices;
  const std::uint64_t work;
  const std::int64_t rounds;
  std::vector<std::uint64_t> answers;
  const std::string how;
  UniqueFd epoll;
  std::optional<Uring> ring;
  Rendezvous meeting;  // of the caller and all readers, around the way with threads
  std::vector<Time> begins, ends;
  std::array<std::optional<Outcome>, 4> outcomes;
};

Result<void> add_to_epoll(Desk& desk) {
  desk.epoll.reset(epoll_create1(EPOLL_CLOEXEC));
  bool done = static_cast<bool>(desk.epoll);
  for (std::size_t device = 0; done && device < desk.devices.size(); ++device) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = device;
    done = epoll_ctl(desk.epoll.get(), EPOLL_CTL_ADD, desk.devices.fd(device), &event) == 0;
  }
  if (done) return {};
  return fail(error_from_errno("prepare epoll", errno));
}

Result<void> call(Worker& worker, Desk& desk) {
  ask_for_exact_timers();
  DeviceClient client(worker, desk.devices, desk.work, desk.rounds);
  const auto go = [&](Way way, const auto& serve) -> Result<void> {
    worker.mark(MarkerKind::kPhase, way, 0);
    Result<Outcome> outcome = serve();
    worker.mark(MarkerKind::kPhase, kNone, 0);
    if (!outcome) return fail(outcome.error());
    desk.outcomes[way] = *outcome;
    return {};
  };
  Result<void> done = desk.devices.set_blocking(true);
  if (done && desk.wants(kBlocking)) {
    done = go(kBlocking, [&] { return client.blocking(0, desk.devices.size()); });
  }
  if (desk.wants(kThreads)) {
    desk.meeting.arrive_and_wait();
    desk.meeting.arrive_and_wait();
  }
  if (done && desk.wants(kEpoll) && !worker.stopping()) {
    if (done = desk.devices.set_blocking(false); !done) return done;
    done = go(kEpoll, [&] { return client.epoll(desk.epoll.get()); });
  }
  if (done && desk.wants(kUring) && desk.ring && !worker.stopping()) {
    if (done = desk.devices.set_blocking(true); !done) return done;
    done = go(kUring, [&] { return client.uring(*desk.ring, desk.answers); });
  }
  return done;
}

Result<void> read(Worker& worker, Desk& desk) {
  ask_for_exact_timers();
  const std::size_t device = worker.position() - 1;
  desk.meeting.arrive_and_wait();
  worker.mark(MarkerKind::kPhase, kThreads, device);
  desk.begins[device] = now();
  DeviceClient client(worker, desk.devices, desk.work, desk.rounds);
  const Result<Outcome> outcome = client.blocking(device, device + 1);
  desk.ends[device] = now();
  worker.mark(MarkerKind::kPhase, kNone, device);
  desk.meeting.arrive_and_wait();
  if (!outcome) return fail(outcome.error());
  worker.fact("ops", outcome->requests);
  worker.fact("at_once", outcome->at_once);
  return {};
}

double worst_case(const Values& values) {
  const auto k = static_cast<double>(values.integer("devices"));
  const double latency = static_cast<double>(to_ns(values.duration("latency")));
  const double work = static_cast<double>(to_ns(values.duration("work")));
  const auto rounds = static_cast<double>(values.integer("rounds"));
  return k * rounds * (latency + work) * (values.text("how") == "all" ? 4 : 1);
}

Result<void> validate(const Values& values, const Machine&) {
  if (auto one =
          check_fixed_threads(values, 1, "the number of threads follows from --how and --devices");
      !one) {
    return one;
  }
  if (values.has("ops")) {
    return fail(usage_error("use --ops", "the requests to each device are counted in rounds",
                            "use --rounds"));
  }
  // At most, were nothing to overlap.
  if (worst_case(values) <= static_cast<double>(to_ns(values.duration("duration")))) return {};
  return fail(usage_error("use --rounds", "so many might not come to an end within --duration",
                          "use fewer --rounds or --devices, or a longer --duration"));
}

std::int64_t thread_count(const Values& values) {
  const std::string& how = values.text("how");
  return how == "all" || how == "threads" ? 1 + values.integer("devices") : 1;
}

void report(Stage& stage, Desk& desk) {
  if (desk.wants(kThreads)) {
    Outcome all;
    all.time = *std::ranges::max_element(desk.ends) - *std::ranges::min_element(desk.begins);
    all.requests = stage.total("ops");
    all.at_once = stage.total("at_once");
    desk.outcomes[kThreads] = all;
  }
  for (const Way way : {kBlocking, kThreads, kEpoll, kUring}) {
    if (!desk.outcomes[way]) continue;
    const std::string name(kNames[way]);
    stage.fact(name + "_ns", to_ns(desk.outcomes[way]->time));
    stage.fact(name + "_requests", desk.outcomes[way]->requests);
    stage.fact(name + "_at_once", desk.outcomes[way]->at_once);
  }
}

Result<void> run(const Values& values, Stage& stage) {
  auto devices = Devices::create(static_cast<std::size_t>(values.integer("devices")),
                                 values.duration("latency"));
  if (!devices) return fail(devices.error());
  const WorkUnit unit = stage.work_unit();
  ask_for_exact_timers();
  const auto overhead = measure_overhead(values.duration("latency"));
  if (!overhead) return fail(overhead.error());
  Desk desk(values, unit.iterations(values.duration("work")), *std::move(devices));
  desk.begins.resize(desk.devices.size());
  desk.ends.resize(desk.devices.size());
  if (auto added = add_to_epoll(desk); !added) return added;
  if (desk.wants(kUring)) {
    auto ring = Uring::create(static_cast<unsigned>(desk.devices.size()));
    if (ring) {
      desk.ring.emplace(*std::move(ring));
    } else {
      stage.fact("io_uring_missing", ring.error().reason);
    }
  }

  std::vector<ThreadPlan> plans;
  plans.push_back({"caller", [&](Worker& worker) -> Result<void> {
                     worker.fact("ops", std::int64_t{0});
                     worker.fact("at_once", std::int64_t{0});
                     return call(worker, desk);
                   }});
  if (desk.wants(kThreads)) {
    for (std::size_t i = 0; i < desk.devices.size(); ++i) {
      plans.push_back({"reader", [&](Worker& worker) { return read(worker, desk); }});
    }
  }
  if (auto done = stage.perform(std::move(plans), [&] { desk.outcomes = {}; }); !done) return done;

  report(stage, desk);
  const Scheduling& scheduling = stage.scheduling();
  stage.fact("devices", values.integer("devices"));
  stage.fact("rounds", values.integer("rounds"));
  stage.fact("latency_ns", to_ns(values.duration("latency")));
  stage.fact("work_ns", to_ns(values.duration("work")));
  stage.fact("cpus", scheduling.one_cpu() ? std::int64_t{1}
                                          : static_cast<std::int64_t>(scheduling.cpus.size()));
  stage.fact("overhead_ns", to_ns(overhead->time));
  stage.fact("overhead_cpu_ns", to_ns(overhead->cpu));
  return {};
}

}  // namespace

Spec sync_async_io() {
  return {.name = "sync-async-io",
          .idea = "Synchronous and asynchronous execution",
          .summary = "several slow devices: one after the other, with threads, all in one thread",
          .explanation = kExplanation,
          .parameters = kParameters,
          .defaults = kDefaults,
          .roles = kRoles,
          .predictions = kPredictions,
          .thread_count = thread_count,
          .rights = nullptr,
          .validate = validate,
          .run = run};
}

}  // namespace observe::workloads
