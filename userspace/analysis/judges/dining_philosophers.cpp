// Circles of philosophers, how many ate at once and whether all of them did, by strategy.
#include <fmt/format.h>

#include <algorithm>

#include "analysis/judges/judge.h"
#include "analysis/judges/lock_circles.h"
#include "analysis/judges/part_run.h"
#include "analysis/judges/prediction.h"
#include "analysis/overlap.h"
#include "analysis/wording.h"

namespace observe {
namespace {

using report::Finding;
using report::Prediction;
using report::Relation;

struct Dinner {
  std::string strategy;
  PartRun part;
  std::vector<const WaitCircle*> circles;
  std::size_t eating_at_once = 0;
  std::uint64_t fewest = 0;  // meals of one philosopher
  std::uint64_t most = 0;
};

std::size_t most_at_once(const Facts& facts, const WorkloadRun& run, const PartRun& part) {
  Overlap meals;
  for (const Actor& actor : run.actors()) {
    std::optional<Time> begin;
    for (const Marker& marker : markers_of(facts, actor)) {
      if (marker.at < part.begin || marker.at > part.end) continue;
      if (marker.kind == raw(MarkerKind::kOperationBegin)) begin = marker.at;
      if (marker.kind == raw(MarkerKind::kOperationEnd) && begin) {
        meals.add(*begin, marker.at);
        begin.reset();
      }
    }
  }
  std::size_t most = 0;
  meals.for_each_stretch([&](Time, Time, std::size_t depth) { most = std::max(most, depth); });
  return most;
}

std::optional<Dinner> read_dinner(const Facts& facts, const WorkloadRun& run, const LockUses& uses,
                                  const std::string& strategy) {
  auto part = read_part(facts, run, strategy);
  if (!part) return std::nullopt;
  Dinner dinner{.strategy = strategy, .part = *std::move(part), .circles = {}};
  for (const WaitCircle& circle : uses.circles) {
    if (circle.begin >= dinner.part.begin && circle.begin <= dinner.part.end) {
      dinner.circles.push_back(&circle);
    }
  }
  dinner.eating_at_once = most_at_once(facts, run, dinner.part);
  dinner.fewest = ~std::uint64_t{0};
  for (const Actor& actor : run.actors()) {
    const double told = actor.number(strategy + "_ops").value_or(0);
    const auto meals = static_cast<std::uint64_t>(std::clamp(told, 0.0, 1e15));
    dinner.fewest = std::min(dinner.fewest, meals);
    dinner.most = std::max(dinner.most, meals);
  }
  return dinner;
}

Prediction predict_naive(const Facts& facts, const WorkloadRun& run, const Dinner& dinner,
                         const Noise& noise) {
  Expected expected{.name = "circle, naive",
                    .formula = "N: each has one fork in hand and wants the next",
                    .unit = "threads",
                    .predicted = static_cast<double>(run.actors().size()),
                    .measured = dinner.circles.empty()
                                    ? 0.0
                                    : static_cast<double>(dinner.circles[0]->members.size())};
  return judge(std::move(expected), noise, marker_conditions(facts));
}

void predict_cure(const Facts& facts, const WorkloadRun& run, const Dinner& dinner,
                  const Noise& noise, std::vector<Prediction>& predictions) {
  Expected circles{.name = "circles, " + dinner.strategy,
                   .formula = dinner.strategy == "ordered"
                                  ? "0: who has the highest fork needs no other"
                                  : "0: among N−1 who sit one finds both forks",
                   .unit = "",
                   .predicted = 0,
                   .measured = static_cast<double>(dinner.circles.size())};
  predictions.push_back(judge(std::move(circles), noise, marker_conditions(facts)));

  const std::size_t most = run.actors().size() / 2;
  Expected eating{.name = "eating at once, " + dinner.strategy,
                  .formula = "at most ⌊N/2⌋: two forks each",
                  .unit = "threads",
                  .predicted = static_cast<double>(most),
                  .measured = static_cast<double>(dinner.eating_at_once),
                  .relation = Relation::kAtMost};
  Conditions conditions = marker_conditions(facts);
  conditions.samples = dinner.part.operations;
  conditions.enough = 1;
  predictions.push_back(judge(std::move(eating), noise, conditions));

  // Counted by the philosophers themselves, whatever else runs; but too short a run feeds nobody.
  const std::uint64_t philosophers = run.actors().size();
  Expected fed{.name = "fewest meals, " + dinner.strategy,
               .formula = "at least 1: everybody eats",
               .unit = "meals",
               .predicted = 1,
               .measured = static_cast<double>(dinner.fewest),
               .relation = Relation::kAtLeast};
  predictions.push_back(judge(std::move(fed), noise,
                              {.quiet = false,
                               .lossless = false,
                               .samples = dinner.part.operations,
                               .enough = philosophers * philosophers}));
}

std::string dinner_sentence(const Dinner& dinner) {
  return fmt::format(
      "{}: {} in {}, from {} to {} each; {} at most ate at once; {}.", dinner.strategy,
      wording::count(dinner.part.operations, "meal"), wording::duration(dinner.part.length()),
      wording::number(dinner.fewest), wording::number(dinner.most), dinner.eating_at_once,
      dinner.circles.empty() ? "no circle" : wording::count(dinner.circles.size(), "circle"));
}

std::string claim_of(const std::vector<Dinner>& dinners) {
  std::string text;
  for (const Dinner& dinner : dinners) {
    if (!text.empty()) text += "; ";
    if (dinner.circles.empty()) {
      text += fmt::format("{}: {}, no deadlock", dinner.strategy,
                          wording::count(dinner.part.operations, "meal"));
      continue;
    }
    const WaitCircle& circle = *dinner.circles[0];
    text += fmt::format("{}: {} in a circle for {}", dinner.strategy,
                        wording::count(circle.members.size(), "philosopher"),
                        wording::duration(circle.end - circle.begin));
  }
  return text + ".";
}

}  // namespace

Judgement judge_dining_philosophers(const Facts& facts, const Noise& noise) {
  const auto run = WorkloadRun::read(facts);
  if (!run) return judgement_without_run(facts, "dining-philosophers");
  const LockUses uses = lock_use(facts);
  std::vector<Dinner> dinners;
  for (const char* strategy : {"naive", "ordered", "waiter"}) {
    if (auto dinner = read_dinner(facts, *run, uses, strategy)) {
      dinners.push_back(*std::move(dinner));
    }
  }
  if (dinners.empty()) return judgement_without_run(facts, "dining-philosophers");

  Judgement judgement;
  judgement.workload.ground_truth = run->truth();
  auto& predictions = judgement.workload.predictions;
  Finding finding{.id = "dining-philosophers"};
  for (const Dinner& dinner : dinners) {
    if (dinner.strategy == "naive") {
      predictions.push_back(predict_naive(facts, *run, dinner, noise));
    } else {
      predict_cure(facts, *run, dinner, noise, predictions);
    }
    finding.evidence.push_back(dinner_sentence(dinner));
    if (dinner.circles.empty()) continue;
    finding.evidence.push_back(circle_text(facts, *dinner.circles[0]) + ".");
    finding.at = dinner.circles[0]->begin - facts.trace.begin();
  }
  finding.verdict = verdict_over(predictions);
  finding.claim = claim_of(dinners);
  for (const Dinner& dinner : dinners) {
    if (judgement.workload.headline.size() == 2 || dinner.strategy == "naive") continue;
    judgement.workload.headline.push_back(
        fmt::format("{}: {}, {} to {} each, at most {} at once", dinner.strategy,
                    wording::count(dinner.part.operations, "meal"), wording::number(dinner.fewest),
                    wording::number(dinner.most), dinner.eating_at_once));
  }
  judgement.findings.push_back(std::move(finding));
  return judgement;
}

}  // namespace observe
