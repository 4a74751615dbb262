// What requests waited, taken apart: their work, the queue, and the operating system's share.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/judges/judge.h"
#include "analysis/judges/prediction.h"
#include "analysis/judges/requests.h"
#include "analysis/judges/workload_run.h"
#include "analysis/noise.h"
#include "analysis/wording.h"

namespace observe {
namespace {

using report::Finding;
using report::PredictionVerdict;
using wording::decimal;
using wording::duration;

constexpr std::uint64_t kEnoughRequests = 100;

Nanos nanos(double value) { return Nanos{static_cast<std::int64_t>(value)}; }

// The workload's own books, all in ns.
struct Books {
  double requests = 0;
  double rho = 0;
  double service = 0;  // as asked for
  double latency = 0;  // means from here on
  double lindley = 0;
  double drawn = 0;
  double measured_service = 0;
  double wake_cost = 0;
  bool exponential = false;
};

std::optional<Books> read_books(const WorkloadRun& run) {
  Books books;
  const std::pair<const char*, double*> numbers[] = {{"requests", &books.requests},
                                                     {"rho", &books.rho},
                                                     {"service_mean_ns", &books.service},
                                                     {"mean_latency_ns", &books.latency},
                                                     {"lindley_mean_ns", &books.lindley},
                                                     {"mean_drawn_ns", &books.drawn},
                                                     {"mean_service_ns", &books.measured_service},
                                                     {"wake_cost_ns", &books.wake_cost}};
  for (const auto& [name, to] : numbers) {
    const auto value = run.number(name);
    if (!value || *value < 0 || *value > 1e15) return std::nullopt;
    *to = *value;
  }
  books.exponential = run.fact<bool>("exponential").value_or(false);
  if (books.requests < 1 || !(books.rho > 0 && books.rho < 1)) return std::nullopt;
  return books;
}

// The mean number of requests in the system from the first arrival to the last departure, added up
// moment by moment.
double mean_number(const std::vector<ServedRequest>& requests) {
  std::vector<std::pair<Time, int>> changes;
  for (const ServedRequest& request : requests) {
    changes.emplace_back(request.arrival, 1);
    changes.emplace_back(request.end, -1);
  }
  std::ranges::sort(changes);
  double area = 0;
  int inside = 0;
  Time last = changes.front().first;
  for (const auto& [at, change] : changes) {
    area += inside * static_cast<double>(to_ns(at - last));
    inside += change;
    last = at;
  }
  const Nanos span = changes.back().first - changes.front().first;
  return span > Nanos{0} ? area / static_cast<double>(to_ns(span)) : 0;
}

// By means of ten batches of neighbours, which are far less alike than neighbours are.
double standard_error(const std::vector<ServedRequest>& requests) {
  constexpr std::size_t kBatches = 10;
  const std::size_t size = requests.size() / kBatches;
  if (size == 0) return 0;
  std::vector<double> means;
  for (std::size_t batch = 0; batch < kBatches; ++batch) {
    double sum = 0;
    for (std::size_t i = batch * size; i < (batch + 1) * size; ++i) {
      sum += static_cast<double>(to_ns(requests[i].end - requests[i].arrival));
    }
    means.push_back(sum / static_cast<double>(size));
  }
  const double centre = mean(means);
  double squares = 0;
  for (const double one : means) squares += (one - centre) * (one - centre);
  return std::sqrt(squares / (kBatches - 1) / kBatches);
}

std::vector<report::Prediction> predict(const Books& books,
                                        const std::vector<ServedRequest>& requests,
                                        const Noise& noise) {
  const auto samples = static_cast<std::uint64_t>(requests.size());
  Conditions books_only{.quiet = false, .samples = samples, .enough = kEnoughRequests};
  if (static_cast<double>(requests.size()) != books.requests) {
    books_only.doubts.push_back(fmt::format("{} of {:.0f} requests have their markers",
                                            wording::number(samples), books.requests));
  }
  if (requests.empty()) {
    return {judge({.name = "mean latency",
                   .formula = "Lindley's recursion + what the server waited",
                   .note = "the markers of its requests are missing or make no sense"},
                  noise, books_only)};
  }
  const double span = static_cast<double>(to_ns(requests.back().end - requests.front().arrival));
  const double rate = books.requests / span;
  // The stamps and the markers are separate readings of one clock, no further apart than a request
  // costs beside its work.
  std::vector<report::Prediction> predictions;
  predictions.push_back(judge({.name = "Little's law",
                               .formula = "L = λW",
                               .predicted = rate * books.latency,
                               .measured = mean_number(requests),
                               .tolerance = rate * books.wake_cost},
                              noise, books_only));

  const double ideal = lindley_mean(requests, false);
  const double share = lindley_mean(requests, true) - ideal;
  const double wake_ups = lindley_mean(requests, true, nanos(books.wake_cost)) - ideal - share;
  predictions.push_back(
      judge({.name = "mean latency",
             .formula = "Lindley's recursion + what the server waited",
             .unit = "us",
             .predicted = (books.lindley + share) / 1e3,
             .measured = books.latency / 1e3,
             .tolerance = wake_ups / 1e3,
             .note = fmt::format("{} by Lindley's recursion, {} by the kernel's events",
                                 duration(nanos(books.lindley)), duration(nanos(share)))},
            noise, books_only));

  Nanos busy{};
  for (const ServedRequest& request : requests) busy += request.running();
  predictions.push_back(
      judge({.name = "utilisation",
             .formula = "ρ = λS",
             .predicted = rate * books.drawn,
             .measured = static_cast<double>(to_ns(busy)) / span,
             .tolerance = rate * (noise_limits::kCalibrationError * books.drawn + books.wake_cost)},
            noise, {.samples = samples, .enough = kEnoughRequests, .doubts = books_only.doubts}));
  return predictions;
}

// Where the operating system's share came from, as means per request.
std::string shares(const std::vector<ServedRequest>& requests) {
  std::array<Nanos, kStates> before{};
  std::array<Nanos, kStates> during{};
  for (const ServedRequest& request : requests) {
    for (std::size_t state = 0; state < kStates; ++state) {
      before[state] += request.before[state];
      during[state] += request.during[state];
    }
  }
  const auto n = static_cast<std::int64_t>(requests.size());
  const auto each = [n](Nanos sum) { return duration(sum / n); };
  return fmt::format(
      "A request waited {} for the timer, {} from the waking to the run queue, {} on it, and {} "
      "in the midst of its work.",
      each(before[raw(State::kBlocked)]), each(before[raw(State::kWakeDelay)]),
      each(before[raw(State::kWaiting)]),
      each(during[raw(State::kWaiting)] + during[raw(State::kBlocked)] +
           during[raw(State::kWakeDelay)]));
}

Finding verdict(const Books& books, const std::vector<ServedRequest>& requests,
                const std::vector<report::Prediction>& predictions) {
  Finding finding{.id = "open-loop", .verdict = verdict_over(predictions)};
  const double beyond = std::max(0.0, books.latency - books.lindley);
  finding.claim =
      fmt::format("A request took {} in the mean: {} of work, {} of queue, {} of operating system.",
                  duration(nanos(books.latency)), duration(nanos(books.measured_service)),
                  duration(nanos(std::max(0.0, books.lindley - books.measured_service))),
                  duration(nanos(beyond)));
  const report::Prediction* latency = find_prediction(predictions, "mean latency");
  if (latency->verdict == PredictionVerdict::kRefuted) {
    finding.claim += " The kernel's events do not account for the last part.";
  }
  if (requests.empty()) return finding;
  finding.evidence.push_back(shares(requests));
  const double queue = books.rho / (1 - books.rho) * (books.exponential ? 1 : 0.5);
  finding.evidence.push_back(fmt::format(
      "In the long run the textbook expects {} ({}), with no operating system; a sample of this "
      "length has a standard error of {}.",
      duration(nanos(books.service * (1 + queue))),
      books.exponential ? "M/M/1, S / (1-rho)" : "M/D/1, S + S rho / (2 (1-rho))",
      duration(nanos(standard_error(requests)))));
  std::vector<double> latencies;
  for (const ServedRequest& request : requests) {
    latencies.push_back(static_cast<double>(to_ns(request.end - request.arrival)));
  }
  finding.evidence.push_back(fmt::format("Half of the requests took at most {}, 99 of 100 {}.",
                                         duration(nanos(quantile(latencies, 0.5))),
                                         duration(nanos(quantile(latencies, 0.99)))));
  return finding;
}

}  // namespace

Judgement judge_open_loop(const Facts& facts, const Noise& noise) {
  const auto run = WorkloadRun::read(facts);
  const auto books = run ? read_books(*run) : std::nullopt;
  if (!books) return judgement_without_run(facts, "open-loop");
  const std::vector<ServedRequest> requests =
      served_requests(facts, run->actors().front()).value_or(std::vector<ServedRequest>{});

  Judgement judgement;
  judgement.workload.ground_truth = run->truth();
  judgement.workload.predictions = predict(*books, requests, noise);
  judgement.workload.headline = {
      fmt::format("{} requests at load {}: {} each",
                  wording::number(static_cast<std::uint64_t>(books->requests)), decimal(books->rho),
                  duration(nanos(books->latency))),
      fmt::format("work {}, queue {}, operating system {}",
                  duration(nanos(books->measured_service)),
                  duration(nanos(std::max(0.0, books->lindley - books->measured_service))),
                  duration(nanos(std::max(0.0, books->latency - books->lindley))))};
  judgement.findings.push_back(verdict(*books, requests, judgement.workload.predictions));
  return judgement;
}

}  // namespace observe
