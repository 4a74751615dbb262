// How long a thread of high priority waited for a lock that one of low priority held.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/judges/judge.h"
#include "analysis/judges/part_run.h"
#include "analysis/judges/prediction.h"
#include "analysis/lock_use.h"
#include "analysis/wording.h"

namespace observe {
namespace {

using report::Finding;
using report::FindingVerdict;
using report::Prediction;
using report::Relation;

constexpr std::uint64_t kEnoughRounds = 3;

struct Side {
  const char* protocol;
  std::uint64_t lock;  // its number in the markers
  std::optional<PartRun> part;
  std::optional<double> median_ms, longest_ms, mean_ms, deviation_ms;  // of high's waits

  std::uint64_t rounds() const { return part ? part->operations : 0; }
};

struct Case {
  const Facts& facts;
  const WorkloadRun& run;
  const Noise& noise;

  bool realtime() const { return run.fact<std::string>("scale") != "nice"; }
  Conditions conditions(std::uint64_t rounds) const {
    Conditions result{.samples = rounds, .enough = kEnoughRounds};
    if (!run.fact<bool>("one_cpu").value_or(false)) {
      result.lacking.emplace_back("needs all threads on one CPU: --place one");
    }
    if (realtime() && !run.fact<bool>("permitted").value_or(false)) {
      result.lacking.emplace_back(
          "real-time priorities are not permitted here (CAP_SYS_NICE, or ulimit -r)");
    }
    return result;
  }
};

Side read_side(const Case& c, const char* protocol, std::uint64_t lock) {
  const std::string stem(protocol);
  return {.protocol = protocol,
          .lock = lock,
          .part = read_part(c.facts, c.run, stem),
          .median_ms = c.run.number(stem + "_wait_p50_ms"),
          .longest_ms = c.run.number(stem + "_wait_max_ms"),
          .mean_ms = c.run.number(stem + "_wait_mean_ms"),
          .deviation_ms = c.run.number(stem + "_wait_deviation_ms")};
}

// The wait is work of a known size, which may take as much longer or shorter as the work unit may
// be off before a run counts as disturbed.
Prediction predict_wait(const Case& c, const Side& side) {
  const bool inherits = side.lock == 1;
  Expected expected{.name = fmt::format("wait of high, {}", side.protocol),
                    .formula = inherits ? "at most section − 1 ms: the holder is lifted"
                                        : "section − 1 ms + medium: medium goes first",
                    .unit = "ms",
                    .measured = side.median_ms,
                    .relation = inherits ? Relation::kAtMost : Relation::kEqual};
  const auto rest = c.run.number("rest_ms");
  const auto medium = c.run.number("medium_ms");
  if (rest && medium) {
    expected.predicted = *rest + (inherits ? 0 : *medium);
    expected.tolerance = noise_limits::kCalibrationError * *expected.predicted;
  }
  return judge(std::move(expected), c.noise, c.conditions(side.rounds()));
}

// The two halves do the same work, at a speed that may differ by what the work unit may be off;
// the rounds of each are a sample.
Prediction predict_ratio(const Case& c, const Side& none, const Side& inherit) {
  Expected expected{.name = "inherit over none",
                    .formula = "1: a mutex lends priorities, no nice weight",
                    .unit = "",
                    .predicted = 1};
  if (none.mean_ms && inherit.mean_ms && *none.mean_ms > 0 && *inherit.mean_ms > 0) {
    const double ratio = *inherit.mean_ms / *none.mean_ms;
    const auto spread = [](const Side& side) {
      const double relative = side.deviation_ms.value_or(0) / *side.mean_ms;
      return relative * relative / static_cast<double>(std::max<std::uint64_t>(side.rounds(), 1));
    };
    expected.measured = ratio;
    expected.tolerance =
        noise_limits::kCalibrationError + 3 * ratio * std::sqrt(spread(none) + spread(inherit));
  }
  return judge(std::move(expected), c.noise,
               c.conditions(std::min(none.rounds(), inherit.rounds())));
}

std::string milliseconds(std::optional<double> value) {
  if (!value || !(std::abs(*value) < 1e12)) return "an unknown time";
  return wording::duration(Nanos{static_cast<std::int64_t>(*value * 1e6)});
}

// What the holder did while high waited longest.
void add_holder(const Case& c, const Side& side, const LockUses& uses, Finding& finding) {
  const auto use = std::ranges::find(uses.locks, side.lock, &LockUse::lock);
  if (use == uses.locks.end() || !use->longest) return;
  const LockWait& wait = *use->longest;
  for (const LockHolder& holder : wait.holders) {
    finding.evidence.push_back(fmt::format(
        "{}: in the longest wait, {} of {}, {} held the lock; it ran for {} and waited for the CPU "
        "for {}.",
        side.protocol, wording::duration(wait.end - wait.begin), c.facts.info(wait.thread).name(),
        c.facts.info(holder.thread).name(), wording::duration(holder.running),
        wording::duration(holder.waiting)));
  }
}

Finding verdict_on(const Case& c, const std::vector<Prediction>& predictions, const Side& none,
                   const Side& inherit) {
  Finding finding{.id = "priority-inversion", .verdict = verdict_over(predictions)};
  const auto medium = c.run.number("medium_ms");
  std::string waits;
  for (const Side* side : {&none, &inherit}) {
    if (side->rounds() == 0) continue;
    waits += fmt::format("{}{} {}", waits.empty() ? "" : ", with ", milliseconds(side->median_ms),
                         side == &none ? "without inheritance" : "inheritance");
  }
  if (waits.empty()) {
    finding.verdict = FindingVerdict::kCannotTell;
    finding.claim = "No round was played: nothing can be said about the waits.";
    return finding;
  }
  finding.claim = fmt::format("high waited for the lock {}{}, while medium computed for {}.",
                              none.rounds() > 0 ? "" : "for ", waits, milliseconds(medium));
  const LockUses uses = lock_use(c.facts);
  for (const Side* side : {&none, &inherit}) {
    if (side->rounds() > 0) add_holder(c, *side, uses, finding);
  }
  return finding;
}

}  // namespace

Judgement judge_priority_inversion(const Facts& facts, const Noise& noise) {
  const auto run = WorkloadRun::read(facts);
  if (!run) return judgement_without_run(facts, "priority-inversion");
  const Case c{.facts = facts, .run = *run, .noise = noise};
  const Side none = read_side(c, "none", 0);
  const Side inherit = read_side(c, "inherit", 1);

  Judgement judgement;
  judgement.workload.ground_truth = run->truth();
  auto& predictions = judgement.workload.predictions;
  if (c.realtime()) {
    for (const Side* side : {&none, &inherit}) {
      if (side->part) predictions.push_back(predict_wait(c, *side));
    }
  } else if (none.part && inherit.part) {
    predictions.push_back(predict_ratio(c, none, inherit));
  }
  for (const Side* side : {&none, &inherit}) {
    if (side->rounds() == 0) continue;
    judgement.workload.headline.push_back(
        fmt::format("{}: high waited {} (median of {}), {} at most", side->protocol,
                    milliseconds(side->median_ms), wording::count(side->rounds(), "round"),
                    milliseconds(side->longest_ms)));
  }
  judgement.findings.push_back(verdict_on(c, predictions, none, inherit));
  return judgement;
}

}  // namespace observe
