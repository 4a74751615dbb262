// Whether threads that ask for a slice get turns of that slice in whole ticks.
#include <fmt/format.h>

#include "analysis/judges/judge.h"
#include "analysis/judges/prediction.h"
#include "analysis/judges/together.h"
#include "analysis/wording.h"

namespace observe {
namespace {

constexpr std::uint64_t kEnoughTurns = 20;

struct Half {
  std::string name;
  std::optional<Nanos> granted;  // nothing where the kernel does not tell: before 6.12
  std::vector<double> turns;     // ms, undisturbed
  std::size_t all_turns = 0;
  std::optional<FairTurn> predicted;
};

std::optional<Nanos> granted_to_all(const std::vector<const Actor*>& actors,
                                    std::string_view fact) {
  std::optional<Nanos> common;
  for (const Actor* actor : actors) {
    const auto told = actor->number(fact);
    if (!told || !(*told > 0) || *told > 1e9) return std::nullopt;
    const Nanos granted{static_cast<std::int64_t>(*told)};
    if (common && *common != granted) return std::nullopt;
    common = granted;
  }
  return common;
}

Half read_half(const Facts& facts, const std::vector<const Actor*>& actors, std::string name,
               std::string_view fact, Time begin, Time end) {
  Half half{.name = std::move(name), .granted = granted_to_all(actors, fact)};
  if (half.granted) {
    half.predicted = fair_turn(facts.trace.host(), actors.size(), half.granted);
  }
  const Together all = together(facts, actors, begin, end);
  for (const Conduct& conduct : all.conducts) {
    half.all_turns += conduct.slices.size();
    for (const RunSlice& slice : undisturbed_slices(facts, actors, conduct.slices)) {
      half.turns.push_back(milliseconds(slice.length()));
    }
  }
  return half;
}

report::Prediction predict(const Facts& facts, const Half& half, const Noise& noise) {
  Conditions conditions =
      undisturbed_conditions(half.turns.size(), half.all_turns, kEnoughTurns, "turns");
  Expected turn{.name = half.name + " turn", .formula = "⌈slice / tick⌉ · tick", .unit = "ms"};
  if (!half.granted) {
    conditions.lacking.emplace_back("the kernel grants no slices of one's own (6.12 and later do)");
  } else if (!half.predicted) {
    conditions.lacking.push_back(why_no_fair_turn(facts.trace.host()));
  } else {
    const double tick = milliseconds(half.predicted->tick);
    turn.predicted = milliseconds(half.predicted->turn);
    turn.tolerance = tick / 2 + (half.predicted->ambiguous ? tick : 0);
  }
  if (!half.turns.empty()) turn.measured = quantile(half.turns, 0.5);
  return judge(std::move(turn), noise, conditions);
}

}  // namespace

Judgement judge_custom_slices(const Facts& facts, const Noise& noise) {
  const auto run = WorkloadRun::read(facts);
  if (!run || run->actors().size() < 2) return judgement_without_run(facts, "custom-slices");
  std::vector<const Actor*> actors;
  Time begin = run->begin();
  Time middle_begin = run->end();
  Time middle_end = run->begin();
  Time end = run->end();
  for (const Actor& actor : run->actors()) {
    actors.push_back(&actor);
    const std::vector<Marker> phases = markers_of(facts, actor, MarkerKind::kPhase);
    if (phases.size() != 2) return judgement_without_run(facts, "custom-slices");
    begin = std::max(begin, phases[0].at);
    middle_begin = std::min(middle_begin, phases[1].at);
    middle_end = std::max(middle_end, phases[1].at);
    end = std::min(end, actor.end);
  }
  const Half halves[] = {read_half(facts, actors, "first", "first_granted_ns", begin, middle_begin),
                         read_half(facts, actors, "second", "second_granted_ns", middle_end, end)};

  Judgement judgement;
  judgement.workload.ground_truth = facts.trace.workload()->truth;
  auto& predictions = judgement.workload.predictions;
  report::Finding finding{.id = "custom-slices"};
  for (const Half& half : halves) {
    predictions.push_back(predict(facts, half, noise));
    const std::string turn = wording::duration(from_milliseconds(quantile(half.turns, 0.5)));
    judgement.workload.headline.push_back(
        fmt::format("{} half: slice {}, turn {}", half.name,
                    half.granted ? wording::duration(*half.granted) : "not told", turn));
    finding.evidence.push_back(fmt::format(
        "In the {} half there were {} turns; {} began and ended with a switch from one "
        "of the threads to another.",
        half.name, wording::number(half.all_turns), wording::number(half.turns.size())));
  }
  const auto turn_text = [](const Half& half) {
    return wording::duration(from_milliseconds(quantile(half.turns, 0.5)));
  };
  const auto slice_text = [](const Half& half) {
    return half.granted ? wording::duration(*half.granted) : std::string("their own");
  };
  finding.verdict = verdict_over(predictions);
  finding.claim =
      fmt::format("With a slice of {} threads kept the CPU for {}, with one of {} for {}.",
                  slice_text(halves[0]), turn_text(halves[0]), slice_text(halves[1]),
                  turn_text(halves[1])) +
      not_shown(predictions);
  judgement.findings.push_back(std::move(finding));
  return judgement;
}

}  // namespace observe
