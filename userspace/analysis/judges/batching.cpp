// Whether items that are handed over in batches wait as much longer, and wake their consumer as
// much less often, as the formula says.
#include <fmt/format.h>

#include <algorithm>
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
using wording::count;
using wording::decimal;
using wording::duration;

Nanos nanos(double value) { return Nanos{static_cast<std::int64_t>(value)}; }

struct Half {
  double items = 0;
  double late = 0;      // batches that found the consumer awake
  double latency = 0;   // ns, mean
  double service = 0;   // ns, mean
  double lateness = 0;  // ns, mean, of a batch
  Conduct conduct;
  double held_up = 0;  // ns: without a CPU in the midst of its work, over the whole half
  double unknown = 0;  // times at which the recording does not say what the consumer did
  double wakeups = 0;

  double wakeups_per_item() const { return wakeups / items; }
  double cpu_per_item() const {
    return static_cast<double>(to_ns(conduct.in(State::kRunning))) / items;
  }
};

std::optional<Half> read_half(const Facts& facts, const WorkloadRun& run, const std::string& name,
                              std::uint64_t number) {
  const Actor& consumer = run.actors().front();
  const auto part = part_of(facts, consumer, number);
  const auto items = run.number(name + "_items");
  const auto late = run.number(name + "_late_batches");
  const auto latency = run.number(name + "_mean_latency_ns");
  const auto service = run.number(name + "_mean_service_ns");
  const auto lateness = run.number(name + "_mean_lateness_ns");
  if (!part || !items || !late || !latency || !service || !lateness) return std::nullopt;
  const bool sense = *items >= 1 && *late >= 0 && *latency >= 0 && *service >= 0 && *lateness >= 0;
  if (!sense || std::max({*latency, *service, *lateness}) > 1e15) return std::nullopt;
  Half half{.items = *items,
            .late = *late,
            .latency = *latency,
            .service = *service,
            .lateness = *lateness,
            .conduct = conduct_of(facts, consumer.thread, part->begin, part->end)};
  for (const Wait& wait : half.conduct.waits) {
    if (wait.cause != WaitCause::kWoken) {
      half.held_up += static_cast<double>(to_ns(wait.length()));
    }
  }
  half.wakeups =
      static_cast<double>(times_woken(facts.timeline(consumer.thread), part->begin, part->end));
  half.unknown =
      static_cast<double>(times_unknown(facts.timeline(consumer.thread), part->begin, part->end));
  return half;
}

// A batch that was due before the consumer could sleep needs no wake-up; the consumer may be woken
// once more at either end of the half; and what the recording does not tell may hide a wake-up.
double wakeups_tolerance(const Half& half) { return (half.late + half.unknown + 2) / half.items; }

std::vector<report::Prediction> predict(const Half& alone, const Half& batched, double batch,
                                        double apart, const Noise& noise) {
  constexpr std::uint64_t kEnoughItems = 100;
  constexpr std::uint64_t kEnoughBatches = 10;
  const auto items = static_cast<std::uint64_t>(std::min(alone.items, batched.items));
  const auto batches = static_cast<std::uint64_t>(batched.items / batch);
  std::vector<report::Prediction> predictions;
  // Both means have the lateness of a woken consumer in them, not quite the same: two positive
  // numbers differ by no more than the larger. What holds the consumer up in the midst of a batch
  // delays at most all items of it.
  const double held_up =
      std::max(alone.held_up / alone.items, batched.held_up * batch / batched.items);
  const double extra = (batch - 1) * (apart + batched.service) / 2;
  predictions.push_back(judge(
      {.name = "extra mean latency",
       .formula = "(B−1)(a+v)/2",
       .unit = "us",
       .predicted = extra / 1e3,
       .measured = (batched.latency - alone.latency) / 1e3,
       .tolerance = (std::max(alone.lateness, batched.lateness) + held_up +
                     std::abs(batched.service - alone.service)) /
                    1e3,
       .note = fmt::format("a woken consumer was late by {} alone and by {} in batches",
                           duration(nanos(alone.lateness)), duration(nanos(batched.lateness)))},
      noise, {.quiet = false, .samples = batches, .enough = kEnoughBatches}));
  predictions.push_back(judge({.name = "wake-ups per item",
                               .formula = "1 / B",
                               .predicted = 1 / batch,
                               .measured = batched.wakeups_per_item(),
                               .tolerance = wakeups_tolerance(batched)},
                              noise,
                              {.quiet = false, .samples = batches, .enough = kEnoughBatches}));
  predictions.push_back(judge(
      {.name = "wake-ups, one by one",
       .formula = "1 per item",
       .predicted = 1,
       .measured = alone.wakeups_per_item(),
       .tolerance = wakeups_tolerance(alone),
       .note = alone.late > 0 ? fmt::format("{} came while the consumer was still awake",
                                            count(static_cast<std::uint64_t>(alone.late), "item"))
                              : ""},
      noise, {.quiet = false, .samples = items, .enough = kEnoughItems}));
  return predictions;
}

Finding verdict(const Half& alone, const Half& batched, double batch,
                const std::vector<report::Prediction>& predictions) {
  Finding finding{.id = "batching", .verdict = verdict_over(predictions)};
  finding.claim = fmt::format(
      "In batches of {:.0f} an item cost {} of CPU instead of {}, and waited {} instead of {}.",
      batch, duration(nanos(batched.cpu_per_item())), duration(nanos(alone.cpu_per_item())),
      duration(nanos(batched.latency)), duration(nanos(alone.latency)));
  if (find_prediction(predictions, "extra mean latency")->verdict ==
      report::PredictionVerdict::kRefuted) {
    finding.claim += " That is not what the formula says.";
  }
  finding.evidence.push_back(
      fmt::format("The consumer was woken {} for {:.0f} items, then {}.",
                  count(static_cast<std::uint64_t>(alone.wakeups), "time"), alone.items,
                  count(static_cast<std::uint64_t>(batched.wakeups), "time")));
  finding.evidence.push_back(fmt::format(
      "The work of an item took {} alone and {} in batches; the rest of the CPU time went into "
      "being woken.",
      duration(nanos(alone.service)), duration(nanos(batched.service))));
  return finding;
}

}  // namespace

Judgement judge_batching(const Facts& facts, const Noise& noise) {
  const auto run = WorkloadRun::read(facts);
  const auto batch = run ? run->number("batch") : std::nullopt;
  const auto apart = run ? run->number("apart_ns") : std::nullopt;
  if (!batch || !apart || *batch < 1 || *batch > 1e9 || *apart <= 0 || *apart > 1e15) {
    return judgement_without_run(facts, "batching");
  }
  const auto alone = read_half(facts, *run, "alone", 0);
  const auto batched = read_half(facts, *run, "batched", 1);
  if (!alone || !batched) return judgement_without_run(facts, "batching");

  Judgement judgement;
  judgement.workload.ground_truth = run->truth();
  auto& predictions = judgement.workload.predictions;
  predictions = predict(*alone, *batched, *batch, *apart, noise);
  judgement.workload.headline = {
      fmt::format("one by one: latency {}, {} of CPU each", duration(nanos(alone->latency)),
                  duration(nanos(alone->cpu_per_item()))),
      fmt::format("by {:.0f}: latency {}, {} of CPU each, {} wake-ups each", *batch,
                  duration(nanos(batched->latency)), duration(nanos(batched->cpu_per_item())),
                  decimal(batched->wakeups_per_item()))};
  judgement.findings.push_back(verdict(*alone, *batched, *batch, predictions));
  return judgement;
}

}  // namespace observe
