// Whether a bounded buffer lost or reordered anything, and how often its two sides slept.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "analysis/blocking.h"
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
using wording::duration;

constexpr std::uint64_t kEnoughStops = 100;

struct Side {
  Conduct conduct;
  Nanos in_futex{};
  std::vector<Nanos> wakeups;  // from the waking to the CPU
  std::uint64_t unknown = 0;   // times at which the recording does not say what it did
};

struct Half {
  Nanos length{};
  double items = 0;
  double sleepless = 0;       // sleeps saved at the last moment
  std::array<Side, 2> sides;  // producer, consumer

  // All stops are sleeps on two CPUs; on one a preemption may take the place of a sleep.
  double sleeps() const {
    return static_cast<double>(sides[0].conduct.switches_by(SwitchCause::kBlocked) +
                               sides[1].conduct.switches_by(SwitchCause::kBlocked));
  }
  double preemptions() const {
    return static_cast<double>(sides[0].conduct.switches_by(SwitchCause::kPreempted) +
                               sides[1].conduct.switches_by(SwitchCause::kPreempted));
  }
  double unknown() const { return static_cast<double>(sides[0].unknown + sides[1].unknown); }
  std::uint64_t wakeups() const { return sides[0].wakeups.size() + sides[1].wakeups.size(); }
  // CPU time of one side for one item.
  Nanos work(std::size_t side) const {
    return Nanos{static_cast<std::int64_t>(
        static_cast<double>(to_ns(sides[side].conduct.in(State::kRunning))) / items)};
  }
};

std::optional<Half> read_half(const Facts& facts, const WorkloadRun& run, const std::string& name,
                              std::uint64_t number) {
  const auto passed = run.number(name + "_items");
  const auto sleepless = run.number(name + "_sleepless");
  if (!passed || *passed < 1 || *passed > 1e15) return std::nullopt;
  if (!sleepless || *sleepless < 0 || *sleepless > 1e15) return std::nullopt;
  Half half{.items = *passed, .sleepless = *sleepless};
  for (std::size_t side = 0; side < 2; ++side) {
    const Actor& actor = run.actors()[side];
    const auto part = part_of(facts, actor, number);
    if (!part) return std::nullopt;
    half.length = std::max(half.length, part->length());
    const ThreadTimeline& timeline = facts.timeline(actor.thread);
    half.sides[side].conduct = conduct_of(facts, actor.thread, part->begin, part->end);
    half.sides[side].wakeups = wake_latencies(timeline, part->begin, part->end);
    half.sides[side].unknown = times_unknown(timeline, part->begin, part->end);
    for (const Interval& interval : timeline.intervals) {
      if (interval.state != State::kBlocked || block_reason(interval).name != "futex") continue;
      const Time from = std::max(interval.begin, part->begin);
      const Time to = std::min(interval.end, part->end);
      if (from < to) half.sides[side].in_futex += to - from;
    }
  }
  return half;
}

struct Books {
  double capacity = 0;
  double lost = 0;
  double out_of_order = 0;
  bool batch = false;
};

std::optional<Books> read_books(const WorkloadRun& run) {
  Books books;
  const std::pair<const char*, double*> numbers[] = {
      {"capacity", &books.capacity}, {"lost", &books.lost}, {"out_of_order", &books.out_of_order}};
  for (const auto& [name, to] : numbers) {
    const auto value = run.number(name);
    if (!value || std::abs(*value) > 1e15) return std::nullopt;
    *to = *value;
  }
  const auto batch = run.fact<bool>("wake_batch");
  if (!batch || books.capacity < 1) return std::nullopt;
  books.batch = *batch;
  return books;
}

Conditions conditions_of(const std::optional<Half>& half, const Books& books) {
  Conditions conditions{
      .samples = half ? static_cast<std::uint64_t>(half->items / books.capacity) : 0,
      .enough = kEnoughStops};
  if (!books.batch) {
    conditions.lacking.emplace_back(
        "with --wake each it depends on how quickly a woken thread runs");
  }
  return conditions;
}

// On one CPU a stop is a sleep, or a preemption instead of it. More of these come from ticks.
report::Prediction predict_together(const Facts& facts, const std::optional<Half>& half,
                                    const Books& books, const Noise& noise) {
  Expected expected{
      .name = "switches per item, one CPU", .formula = "2 / c", .predicted = 2 / books.capacity};
  Conditions conditions = conditions_of(half, books);
  if (!half) {
    conditions.lacking.emplace_back("the half on one CPU did not take place");
    return judge(std::move(expected), noise, conditions);
  }
  const int hz = facts.trace.host().hz;
  if (hz <= 0) conditions.lacking.emplace_back("the tick of this kernel is not known");
  const double ticks = static_cast<double>(to_ns(half->length)) / 1e9 * hz;
  expected.measured = (half->sleeps() + half->preemptions()) / half->items;
  // A tick may preempt, in favour of the other side or of somebody else; each side meets the other
  // before and after the half.
  expected.tolerance = (ticks + half->unknown() + 4) / half->items;
  return judge(std::move(expected), noise, conditions);
}

report::Prediction predict_apart(const Facts& facts, const std::optional<Half>& half,
                                 const Books& books, const Noise& noise) {
  Expected expected{
      .name = "sleeps per item, two CPUs", .formula = "2 / c", .predicted = 2 / books.capacity};
  Conditions conditions = conditions_of(half, books);
  if (!half) {
    conditions.lacking.emplace_back(facts.trace.host().cpus_online == 1
                                        ? "needs 2 CPUs"
                                        : "the half on two CPUs did not take place");
    return judge(std::move(expected), noise, conditions);
  }
  conditions.quiet = false;  // who else runs changes how long the sides sleep, not how often
  expected.measured = half->sleeps() / half->items;
  expected.tolerance = (half->sleepless + half->unknown() + 4) / half->items;
  expected.note = fmt::format("{} saved at the last moment",
                              count(static_cast<std::uint64_t>(half->sleepless), "sleep"));
  return judge(std::move(expected), noise, conditions);
}

double mean_latency(const Half& half) {
  double sum = 0;
  for (const Side& side : half.sides) {
    for (const Nanos one : side.wakeups) sum += static_cast<double>(to_ns(one));
  }
  return half.wakeups() > 0 ? sum / static_cast<double>(half.wakeups()) : 0;
}

std::string throughput(const Half& half) {
  return fmt::format("{} items/s, {:.3g} switches each",
                     wording::number(static_cast<std::uint64_t>(
                         half.items * 1e9 / static_cast<double>(to_ns(half.length)))),
                     (half.sleeps() + half.preemptions()) / half.items);
}

void describe(const char* where, const Half& half, Finding& finding) {
  finding.evidence.push_back(fmt::format(
      "{}: {:.3g} sleeps and {:.3g} preemptions per item; a woken thread took {} to run; an item "
      "took {} to make and {} to take.",
      where, half.sleeps() / half.items, half.preemptions() / half.items,
      duration(Nanos{static_cast<std::int64_t>(mean_latency(half))}), duration(half.work(0)),
      duration(half.work(1))));
  finding.evidence.push_back(fmt::format(
      "{}: the producer slept in futex for {} (buffer full), the consumer for {} (buffer empty).",
      where, duration(half.sides[0].in_futex), duration(half.sides[1].in_futex)));
}

}  // namespace

Judgement judge_producer_consumer(const Facts& facts, const Noise& noise) {
  const auto run = WorkloadRun::read(facts);
  const auto books = run ? read_books(*run) : std::nullopt;
  if (!books || run->actors().size() != 2) {
    return judgement_without_run(facts, "producer-consumer");
  }
  const auto together = read_half(facts, *run, "together", 0);
  const auto apart = read_half(facts, *run, "apart", 1);
  if (!together && !apart) return judgement_without_run(facts, "producer-consumer");

  Judgement judgement;
  judgement.workload.ground_truth = run->truth();
  auto& predictions = judgement.workload.predictions;
  const auto must_be_none = [&](const char* name, double measured) {
    predictions.push_back(
        judge({.name = name, .formula = "0", .predicted = 0, .measured = measured}, noise,
              {.quiet = false, .lossless = false}));
  };
  must_be_none("lost items", books->lost);
  must_be_none("out of order", books->out_of_order);
  predictions.push_back(predict_together(facts, together, *books, noise));
  predictions.push_back(predict_apart(facts, apart, *books, noise));

  Finding finding{.id = "producer-consumer", .verdict = verdict_over(predictions)};
  const double items = (together ? together->items : 0) + (apart ? apart->items : 0);
  finding.claim = books->lost == 0 && books->out_of_order == 0
                      ? fmt::format("All {} items came through, in order",
                                    wording::number(static_cast<std::uint64_t>(items)))
                      : fmt::format("{:.0f} items were lost and {:.0f} came out of order",
                                    books->lost, books->out_of_order);
  auto& headline = judgement.workload.headline;
  if (together) headline.push_back("one CPU: " + throughput(*together));
  if (apart) headline.push_back("two CPUs: " + throughput(*apart));
  const Half& shown = apart ? *apart : *together;
  finding.claim += fmt::format("; for {:.3g} items one side slept once.",
                               shown.sleeps() > 0 ? shown.items / shown.sleeps() : shown.items);
  if (together) describe("On one CPU", *together, finding);
  if (apart) describe("On two CPUs", *apart, finding);
  judgement.findings.push_back(std::move(finding));
  return judgement;
}

}  // namespace observe
