// Who was turned away from a room of limited size, and how many of them because its server had no
// CPU.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>

#include "analysis/judges/judge.h"
#include "analysis/judges/prediction.h"
#include "analysis/judges/requests.h"
#include "analysis/judges/workload_run.h"
#include "analysis/wording.h"

namespace observe {
namespace {

using report::Finding;
using wording::duration;
using wording::percent;

constexpr std::uint64_t kEnoughArrivals = 200;

Nanos nanos(double value) { return Nanos{static_cast<std::int64_t>(value)}; }

struct Books {
  double room = 0;
  double rho = 0;
  double arrivals = 0;
  double lost = 0;
  double replay_lost = 0;  // by the server's own CPU clock, with a CPU at all times
  double sampling_error = 0;
  double service_mean = 0;  // ns, as measured
  double service_asked = 0;
  double latency = 0;
  double clock_cost = 0;

  double share_lost() const { return lost / arrivals; }
  // The work that came per time, as it turned out to be.
  double offered() const { return rho * service_mean / service_asked; }
};

std::optional<Books> read_books(const WorkloadRun& run) {
  Books books;
  const std::pair<const char*, double*> numbers[] = {{"room", &books.room},
                                                     {"offered_rho", &books.rho},
                                                     {"arrivals", &books.arrivals},
                                                     {"lost", &books.lost},
                                                     {"replay_lost", &books.replay_lost},
                                                     {"lost_sampling_error", &books.sampling_error},
                                                     {"mean_service_ns", &books.service_mean},
                                                     {"service_mean_ns", &books.service_asked},
                                                     {"mean_latency_ns", &books.latency},
                                                     {"clock_cost_ns", &books.clock_cost}};
  for (const auto& [name, to] : numbers) {
    const auto value = run.number(name);
    if (!value || *value < 0 || *value > 1e15) return std::nullopt;
    *to = *value;
  }
  const bool sense = books.room >= 1 && books.room <= 1e6 && books.arrivals >= 1 &&
                     books.lost <= books.arrivals && books.replay_lost <= books.arrivals &&
                     books.service_asked >= 1;
  return sense ? std::optional(books) : std::nullopt;
}

// How many are turned away when the n-th who is let in takes services[n]; whoever comes after these
// takes the mean of them.
std::size_t replay(const std::vector<Time>& arrivals, const std::vector<Nanos>& services,
                   Nanos beyond, std::size_t room) {
  std::size_t lost = 0;
  std::size_t served = 0;
  std::deque<Time> departures;
  Time free = Time::min();
  for (const Time arrival : arrivals) {
    while (!departures.empty() && departures.front() <= arrival) departures.pop_front();
    if (departures.size() >= room) {
      ++lost;
      continue;
    }
    free = std::max(free, arrival) + (served < services.size() ? services[served] : beyond);
    ++served;
    departures.push_back(free);
  }
  return lost;
}

struct Replays {
  double ideal = 0;   // the server always has a CPU, and loses no time with waking
  double real = 0;    // with all that the events tell
  double margin = 0;  // by which the clock's readings change it
};

Replays replay_all(const std::vector<ServedRequest>& requests, const Books& books) {
  std::vector<Time> arrivals;
  std::vector<const ServedRequest*> served;
  for (const ServedRequest& request : requests) {
    arrivals.push_back(request.arrival);
    if (!request.turned_away) served.push_back(&request);
  }
  std::ranges::sort(arrivals);
  const auto with = [&](bool real, double extra) {
    std::vector<Nanos> services;
    for (const ServedRequest* one : served) {
      const Nanos more = one->held_up() + one->before[raw(State::kRunning)];
      services.push_back(one->running() + (real ? more : Nanos{0}) + nanos(extra));
    }
    return static_cast<double>(replay(arrivals, services, nanos(books.service_mean + extra),
                                      static_cast<std::size_t>(books.room)));
  };
  Replays replays{.ideal = with(false, 0), .real = with(true, 0)};
  for (const double part : {0.25, 0.5, 0.75, 1.0}) {
    const double lost = with(true, part * books.clock_cost);
    replays.margin = std::max(replays.margin, std::abs(lost - replays.real));
  }
  return replays;
}

double long_run_loss(double rho, double room) {
  if (std::abs(rho - 1) < 1e-9) return 1 / (room + 1);
  return (1 - rho) * std::pow(rho, room) / (1 - std::pow(rho, room + 1));
}

std::vector<report::Prediction> predict(const Books& books,
                                        const std::vector<ServedRequest>& requests,
                                        const Replays& replays, const Noise& noise) {
  const auto samples = static_cast<std::uint64_t>(books.arrivals);
  Conditions replayed{.quiet = false, .samples = samples, .enough = kEnoughArrivals};
  if (static_cast<double>(requests.size()) != books.arrivals) {
    replayed.doubts.push_back(fmt::format("{} of {} arrivals have their markers",
                                          wording::number(requests.size()),
                                          wording::number(samples)));
  }
  std::vector<report::Prediction> predictions;
  // A customer who comes within a clock reading of somebody's departure finds the room full or not,
  // by chance; so may the next one then.
  predictions.push_back(
      judge({.name = "lost, replayed",
             .formula = "same arrivals, work and times without a CPU through K places",
             .unit = "customers",
             .predicted = replays.real,
             .measured = books.lost,
             .tolerance = replays.margin + 1,
             .note = fmt::format("{:.0f} with a CPU at all times", replays.ideal)},
            noise, replayed));
  const double by_system = std::max(0.0, books.lost - books.replay_lost) / books.arrivals;
  predictions.push_back(
      judge({.name = "lost, M/M/1/K",
             .formula = "(1−ρ)ρ^K / (1−ρ^(K+1))",
             .unit = "share",
             .predicted = long_run_loss(books.offered(), books.room),
             .measured = books.share_lost(),
             .tolerance = 3 * books.sampling_error + by_system,
             .note = fmt::format("sampling error {}, {} for want of a CPU",
                                 percent(books.sampling_error), percent(by_system))},
            noise, {.samples = samples, .enough = kEnoughArrivals}));
  return predictions;
}

}  // namespace

Judgement judge_waiting_room(const Facts& facts, const Noise& noise) {
  const auto run = WorkloadRun::read(facts);
  const auto books = run ? read_books(*run) : std::nullopt;
  if (!books) return judgement_without_run(facts, "waiting-room");
  const std::vector<ServedRequest> requests =
      served_requests(facts, run->actors().front()).value_or(std::vector<ServedRequest>{});
  const Replays replays = replay_all(requests, *books);

  Judgement judgement;
  judgement.workload.ground_truth = run->truth();
  auto& predictions = judgement.workload.predictions;
  predictions = predict(*books, requests, replays, noise);
  const auto whole = [](double value) {
    return wording::number(static_cast<std::uint64_t>(value));
  };
  judgement.workload.headline = {
      fmt::format("{} of {} customers turned away ({}), {:.0f} may be in the room",
                  whole(books->lost), whole(books->arrivals), percent(books->share_lost()),
                  books->room),
      fmt::format("those served were there for {}, {} of it service",
                  duration(nanos(books->latency)), duration(nanos(books->service_mean)))};

  Finding finding{.id = "waiting-room", .verdict = verdict_over(predictions)};
  finding.claim = fmt::format(
      "{} of the customers found the room full; {} would have if the barber always had a CPU.",
      percent(books->share_lost()), percent(books->replay_lost / books->arrivals));
  Nanos held_up{};
  for (const ServedRequest& request : requests) held_up += request.held_up();
  finding.evidence.push_back(
      fmt::format("By the kernel's events the barber had no CPU for {} while somebody was there.",
                  duration(held_up)));
  finding.evidence.push_back(fmt::format(
      "The work offered came to {} of the time, and the barber was running for {} of it.",
      percent(books->offered()),
      percent(wording::share(run->actors().front().conduct.in(State::kRunning),
                             run->actors().front().phase()))));
  judgement.findings.push_back(std::move(finding));
  return judgement;
}

}  // namespace observe
