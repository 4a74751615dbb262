// How long several slow devices took in each way of waiting for them, and who slept how often.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "analysis/judges/judge.h"
#include "analysis/judges/prediction.h"
#include "analysis/judges/requests.h"
#include "analysis/judges/wakeups.h"
#include "analysis/judges/workload_run.h"
#include "analysis/wording.h"

namespace observe {
namespace {

using report::Finding;
using wording::duration;

constexpr std::array<std::string_view, 4> kWays = {"blocking", "threads", "epoll", "io_uring"};
enum Way : std::size_t { kBlocking, kThreads, kEpoll, kUring };

Nanos nanos(double value) { return Nanos{static_cast<std::int64_t>(value)}; }

struct Books {
  double devices = 0;  // k
  double rounds = 0;   // R
  double latency = 0;  // L, ns
  double work = 0;     // c, ns
  double cpus = 0;     // m
  double overhead = 0;
  double overhead_cpu = 0;

  double requests() const { return devices * rounds; }
};

std::optional<Books> read_books(const WorkloadRun& run) {
  Books books;
  const std::pair<const char*, double*> numbers[] = {{"devices", &books.devices},
                                                     {"rounds", &books.rounds},
                                                     {"latency_ns", &books.latency},
                                                     {"work_ns", &books.work},
                                                     {"cpus", &books.cpus},
                                                     {"overhead_ns", &books.overhead},
                                                     {"overhead_cpu_ns", &books.overhead_cpu}};
  for (const auto& [name, to] : numbers) {
    const auto value = run.number(name);
    if (!value || *value < 0 || *value > 1e15) return std::nullopt;
    *to = *value;
  }
  if (books.devices < 1 || books.rounds < 1 || books.cpus < 1) return std::nullopt;
  return books;
}

// What became of one way.
struct Served {
  double time = 0;  // ns
  double requests = 0;
  double at_once = 0;
  double sleeps = 0;
  Nanos longest_wait{};  // from waking to running, in sum: the thread that waited longest
  Nanos running{};

  double sleeps_per_request() const { return sleeps / requests; }
};

std::optional<Served> read_way(const Facts& facts, const WorkloadRun& run, Way way) {
  const std::string name(kWays[way]);
  const auto time = run.number(name + "_ns");
  const auto requests = run.number(name + "_requests");
  const auto at_once = run.number(name + "_at_once");
  if (!time || !requests || !at_once || *requests < 1 || *requests > 1e12 || *time <= 0 ||
      *time > 1e15 || *at_once < 0) {
    return std::nullopt;
  }
  Served served{.time = *time, .requests = *requests, .at_once = *at_once};
  for (const Actor* actor : run.actors(way == kThreads ? "reader" : "caller")) {
    const auto part = part_of(facts, *actor, way);
    if (!part) return std::nullopt;
    served.sleeps += static_cast<double>(times_slept(facts, actor->thread, part->begin, part->end));
    const Conduct conduct = conduct_of(facts, actor->thread, part->begin, part->end);
    served.running += conduct.in(State::kRunning);
    served.longest_wait =
        std::max(served.longest_wait, conduct.in(State::kWaiting) + conduct.in(State::kWakeDelay));
  }
  return served;
}

// Requests to k devices at once, whose answers are worked off by m CPUs.
double overlapped(const Books& books, double latency, double work, double cpus) {
  const double queue = std::ceil(books.devices / cpus) - 1;
  const double staggered = books.rounds * (latency + work) + queue * work;
  const double saturated = latency + books.devices * books.rounds * work / cpus;
  return std::max(staggered, saturated);
}

double ideal(const Books& books, Way way, double latency, double work) {
  if (way == kBlocking) return books.requests() * (latency + work);
  const double cpus = way == kThreads ? std::min(books.cpus, books.devices) : 1;
  return overlapped(books, latency, work, cpus);
}

const char* formula(Way way) {
  switch (way) {
    case kBlocking:
      return "kR(L+c)";
    case kThreads:
      return "max(R(L+c) + (k/m−1)c, L + kRc/m)";
    case kEpoll:
    case kUring:
      break;
  }
  return "max(R(L+c) + (k−1)c, L + kRc)";
}

report::Prediction predict_time(const WorkloadRun& run, const Books& books, Way way,
                                const std::optional<Served>& served, const Noise& noise) {
  Expected expected{
      .name = fmt::format("time, {}", kWays[way]), .formula = formula(way), .unit = "ms"};
  Conditions conditions;
  const auto missing = run.fact<std::string>("io_uring_missing");
  if (way == kUring && missing) {
    conditions.lacking.push_back(fmt::format("io_uring is not available here: {}", *missing));
  }
  // What a request costs beside L and c was measured when nothing else went on. It may be as much
  // again, and each request costs its CPU time too.
  const double with_overhead = ideal(books, way, books.latency + books.overhead, books.work);
  double most =
      ideal(books, way, books.latency + 2 * books.overhead, books.work + books.overhead_cpu);
  // The events tell how long a thread waited for its CPU after it was woken, or preempted. Where
  // several share one that is also how answers queue up, in which rounds is up to the scheduler.
  if (served) most += static_cast<double>(to_ns(served->longest_wait));
  expected.predicted = with_overhead / 1e6;
  expected.tolerance = (most - with_overhead) / 1e6;
  expected.note = fmt::format("{} for each request beside L and c, measured before the run",
                              duration(nanos(books.overhead)));
  if (served) {
    expected.measured = served->time / 1e6;
    if (served->requests != books.requests()) {
      conditions.doubts.push_back(fmt::format("only {:.0f} of {:.0f} requests were made",
                                              served->requests, books.requests()));
    }
  }
  return judge(std::move(expected), noise, conditions);
}

report::Prediction predict_sleeps(Way way, const Served& served, const Noise& noise) {
  const bool at_most = way == kEpoll;
  // A request that was due before it was waited for needs no sleep.
  const double tolerance = at_most ? 0 : served.at_once / served.requests;
  return judge({.name = fmt::format("sleeps per request, {}", kWays[way]),
                .formula = at_most ? "at most 1" : "1",
                .predicted = 1,
                .measured = served.sleeps_per_request(),
                .tolerance = tolerance,
                .relation = at_most ? report::Relation::kAtMost : report::Relation::kEqual},
               noise, {.quiet = false});
}

std::string describe(Way way, const Served& served) {
  return fmt::format("{}: {}, {:.2f} sleeps and {} of CPU time for each of {:.0f} requests.",
                     kWays[way], duration(nanos(served.time)), served.sleeps_per_request(),
                     duration(served.running / static_cast<std::int64_t>(served.requests)),
                     served.requests);
}

}  // namespace

Judgement judge_sync_async_io(const Facts& facts, const Noise& noise) {
  const auto run = WorkloadRun::read(facts);
  const auto books = run ? read_books(*run) : std::nullopt;
  if (!books) return judgement_without_run(facts, "sync-async-io");
  const auto how = facts.trace.run().parameters.find("how");
  const auto wanted = [&](Way way) {
    return how == facts.trace.run().parameters.end() || how->second == "all" ||
           how->second == kWays[way];
  };

  Judgement judgement;
  judgement.workload.ground_truth = run->truth();
  auto& predictions = judgement.workload.predictions;
  Finding finding{.id = "sync-async-io"};
  std::array<std::optional<Served>, 4> served;
  for (const Way way : {kBlocking, kThreads, kEpoll, kUring}) {
    if (!wanted(way)) continue;
    served[way] = read_way(facts, *run, way);
    predictions.push_back(predict_time(*run, *books, way, served[way], noise));
    if (!served[way]) continue;
    if (way != kUring) predictions.push_back(predict_sleeps(way, *served[way], noise));
    finding.evidence.push_back(describe(way, *served[way]));
  }
  finding.verdict = verdict_over(predictions);

  std::vector<std::string> times;
  for (const Way way : {kBlocking, kThreads, kEpoll, kUring}) {
    if (served[way]) {
      times.push_back(fmt::format("{} {}", kWays[way], duration(nanos(served[way]->time))));
    }
  }
  for (std::size_t i = 0; i < times.size(); i += 2) {
    judgement.workload.headline.push_back(i + 1 < times.size() ? times[i] + ", " + times[i + 1]
                                                               : times[i]);
  }
  if (served[kBlocking] && served[kEpoll]) {
    finding.claim = fmt::format(
        "One thread that waited for all {:.0f} devices at once took {}, one after the other {}: "
        "{:.1f} times as long.",
        books->devices, duration(nanos(served[kEpoll]->time)),
        duration(nanos(served[kBlocking]->time)), served[kBlocking]->time / served[kEpoll]->time);
  } else if (!times.empty()) {
    finding.claim = fmt::format("{:.0f} requests to {:.0f} devices: {}.", books->requests(),
                                books->devices, times.front());
  } else {
    finding.claim = "No device was asked: what was asked for is not available here.";
  }
  judgement.findings.push_back(std::move(finding));
  return judgement;
}

}  // namespace observe
