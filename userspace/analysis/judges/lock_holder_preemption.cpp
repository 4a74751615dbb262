// What spinning for a lock costs on one CPU, by the order in which the lock is given.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/judges/cpu_sharing.h"
#include "analysis/judges/fair_turn.h"
#include "analysis/judges/judge.h"
#include "analysis/judges/part_run.h"
#include "analysis/judges/prediction.h"
#include "analysis/judges/turns.h"
#include "analysis/wording.h"

namespace observe {
namespace {

using report::Finding;
using report::FindingVerdict;
using report::Prediction;
using report::Relation;

struct Side {
  const char* lock;
  std::string stem;  // of its facts
  std::optional<PartRun> part;
  std::vector<Turn> turns;

  std::uint64_t operations() const { return part ? part->operations : 0; }
  double rate() const { return part->per_second(static_cast<double>(operations())); }
};

struct Case {
  const Facts& facts;
  const WorkloadRun& run;
  const Noise& noise;
  std::optional<FairTurn> turn;

  double threads() const { return static_cast<double>(run.actors().size()); }
  std::optional<Nanos> wait(const Side& side, const char* which) const {
    const auto ns = run.fact<std::int64_t>(side.stem + "_wait_" + which + "_ns");
    if (!ns || *ns < 0 || side.operations() == 0) return std::nullopt;
    return Nanos{*ns};
  }
  Conditions conditions(std::uint64_t samples, std::uint64_t enough) const {
    Conditions result{.samples = samples, .enough = enough};
    if (!run.fact<bool>("one_cpu").value_or(false)) {
      result.lacking.emplace_back("needs all threads on one CPU: --place one");
    }
    if (auto unfair = unfair_policy(facts)) result.lacking.push_back(*std::move(unfair));
    return result;
  }
};

double milliseconds(Nanos time) { return static_cast<double>(to_ns(time)) / 1e6; }

std::optional<double> in_ms(std::optional<Nanos> time) {
  if (!time) return std::nullopt;
  return milliseconds(*time);
}

std::string turn_note(const Case& c) {
  if (!c.turn) return why_no_fair_turn(c.facts.trace.host());
  return fmt::format("a turn of {}", wording::duration(c.turn->turn));
}

// A wait is made of whole turns, so that it can be off by the granularity of their ends: a tick.
Prediction predict_ticket_wait(const Case& c, const Side& side) {
  constexpr std::uint64_t kEnough = 10;
  Expected expected{.name = "wait, ticket",
                    .formula = "at least N · q, a turn of every thread; q = ⌈slice / tick⌉ · tick",
                    .unit = "ms",
                    .measured = in_ms(c.wait(side, "p50")),
                    .relation = Relation::kAtLeast,
                    .note = turn_note(c)};
  if (c.turn) {
    expected.predicted = c.threads() * milliseconds(c.turn->turn);
    expected.tolerance = milliseconds(c.turn->tick) * (c.turn->ambiguous ? c.threads() : 1);
  }
  return judge(std::move(expected), c.noise, c.conditions(side.operations(), kEnough));
}

// The actors in the order of their first tickets; the first holder has drawn the last one by the
// time that the part begins. Nothing where that is not known.
std::optional<std::vector<std::size_t>> first_line(const Case& c, const Side& side) {
  std::vector<std::pair<double, std::size_t>> places;
  for (const Actor& actor : c.run.actors()) {
    const auto place = actor.number(side.stem + "_line");
    if (!place) return std::nullopt;
    places.emplace_back(*place, actor.lane);
  }
  std::ranges::sort(places);
  std::vector<std::size_t> line;
  for (const auto& [place, actor] : places) line.push_back(actor);
  return line;
}

// The turns that lie across the part's borders may hold an operation each that is not in it.
Prediction predict_ticket_operations(const Case& c, const Side& side) {
  constexpr std::uint64_t kEnough = 10;
  Expected expected{.name = "operations, ticket",
                    .formula = "one for each turn of the thread that is next in line",
                    .unit = "operations",
                    .measured = static_cast<double>(side.operations()),
                    .tolerance = 2,
                    .note = fmt::format("over {}", wording::count(side.turns.size(), "turn"))};
  if (auto line = first_line(c, side)) {
    std::uint64_t served = 0;
    for (const Turn& turn : side.turns) {
      if (turn.actor != line->front()) continue;
      std::ranges::rotate(*line, line->begin() + 1);
      ++served;
    }
    expected.predicted = static_cast<double>(served);
  } else {
    expected.note = "the order in which the threads lined up is not known";
  }
  return judge(std::move(expected), c.noise, c.conditions(side.turns.size(), kEnough));
}

// Each useful turn ends within the section with probability p, and then N-1 turns are burned. p is
// known as well as the section's part of the operation: what the lock and the clocks add may lie in
// the section or outside. The number of accidents varies as that of a sample of the useful turns.
Prediction predict_spin(const Case& c, const Side& side) {
  constexpr std::uint64_t kEnough = 30;
  Expected expected{.name = "useful share, spin",
                    .formula = "1 / (1 + p(N−1)), p = section / (section + outside)",
                    .unit = ""};
  const auto section = c.run.number("section_ns");
  const auto outside = c.run.number("outside_ns");
  const auto alone = c.run.number("alone_ns_per_op");
  const std::uint64_t turns = side.turns.size();
  if (section && outside && alone && *section > 0 && *outside >= 0 && *alone > 0 && turns > 0) {
    const double p = *section / (*section + *outside);
    const double rivals = c.threads() - 1;
    const double share = 1 / (1 + p * rivals);
    const double slope = rivals * share * share;
    const double useful = std::max(static_cast<double>(turns) * share, 1.0);
    const double sampling = std::sqrt(p * (1 - p) / useful);
    const double unplaced = std::max(0.0, 1 - (*section + *outside) / *alone);
    expected.predicted = share;
    expected.tolerance = slope * (3 * sampling + unplaced);
    expected.measured = static_cast<double>(side.operations()) * *alone /
                        static_cast<double>(to_ns(side.part->length()));
    expected.note = fmt::format("p = {:.2f} over {}", p, wording::count(turns, "turn"));
  }
  return judge(std::move(expected), c.noise, c.conditions(turns, kEnough));
}

Prediction predict_yield_wait(const Case& c, const Side& side) {
  constexpr std::uint64_t kEnough = 10;
  Expected expected{.name = "wait, ticket-yield",
                    .formula = "less than one turn: nobody burns one",
                    .unit = "ms",
                    .measured = in_ms(c.wait(side, "p50")),
                    .relation = Relation::kAtMost,
                    .note = turn_note(c)};
  if (c.turn) expected.predicted = milliseconds(c.turn->turn);
  return judge(std::move(expected), c.noise, c.conditions(side.operations(), kEnough));
}

std::string rate_text(const Side& side) {
  return wording::number(static_cast<std::uint64_t>(side.rate()));
}

std::string side_sentence(const Case& c, const Side& side) {
  const auto wait = [&](const char* which) {
    return wording::duration(c.wait(side, which).value_or(Nanos{0}));
  };
  return fmt::format("{}: {} operations/s in {}; waits p50 {}, p99 {}, p99.9 {}, longest {}.",
                     side.lock, rate_text(side), wording::count(side.turns.size(), "turn"),
                     wait("p50"), wait("p99"), wait("p999"), wait("max"));
}

Finding verdict_on(const Case& c, const std::vector<Prediction>& predictions,
                   const std::vector<Side>& sides) {
  Finding finding{.id = "lock-holder-preemption", .verdict = verdict_over(predictions)};
  std::vector<std::string> rates;
  for (const Side& side : sides) {
    if (side.operations() == 0) continue;
    rates.push_back(fmt::format("{} {}", side.lock, rate_text(side)));
    finding.evidence.push_back(side_sentence(c, side));
  }
  if (rates.empty()) {
    finding.verdict = FindingVerdict::kCannotTell;
    finding.claim = "No operation was done: nothing can be said about the locks.";
    return finding;
  }
  std::string text;
  for (std::size_t i = 0; i < rates.size(); ++i) text += (i > 0 ? ", " : "") + rates[i];
  finding.claim = fmt::format("Operations per second, with all threads on {} CPU{}: {}.",
                              c.run.cpus().size(), c.run.cpus().size() == 1 ? "" : "s", text);
  return finding;
}

std::vector<std::string> headline_of(const Case& c, const std::vector<Side>& sides) {
  std::string rates;
  std::string waits;
  for (const Side& side : sides) {
    if (side.operations() == 0) continue;
    const char* const comma = rates.empty() ? "" : ", ";
    rates += fmt::format("{}{} {}", comma, side.lock, rate_text(side));
    waits += fmt::format("{}{} {}", comma, side.lock,
                         wording::duration(c.wait(side, "p50").value_or(Nanos{0})));
  }
  if (rates.empty()) return {};
  return {"operations/s: " + rates, "median wait: " + waits};
}

}  // namespace

Judgement judge_lock_holder_preemption(const Facts& facts, const Noise& noise) {
  const auto run = WorkloadRun::read(facts);
  if (!run) return judgement_without_run(facts, "lock-holder-preemption");
  std::vector<Side> sides{
      {.lock = "ticket", .stem = "ticket", .part = {}, .turns = {}},
      {.lock = "spin", .stem = "spin", .part = {}, .turns = {}},
      {.lock = "ticket-yield", .stem = "ticket_yield", .part = {}, .turns = {}}};
  for (Side& side : sides) {
    side.part = read_part(facts, *run, side.stem);
    if (side.part) side.turns = turns_of(facts, run->actors(), side.part->begin, side.part->end);
  }
  std::optional<Nanos> slice;
  if (const auto ns = run->actors().front().number("slice_ns"); ns && *ns > 0 && *ns < 1e12) {
    slice = Nanos{static_cast<std::int64_t>(*ns)};
  }
  const Case c{.facts = facts,
               .run = *run,
               .noise = noise,
               .turn = fair_turn(facts.trace.host(), run->actors().size(), slice)};

  Judgement judgement;
  judgement.workload.ground_truth = run->truth();
  auto& predictions = judgement.workload.predictions;
  if (sides[0].part) {
    predictions.push_back(predict_ticket_wait(c, sides[0]));
    predictions.push_back(predict_ticket_operations(c, sides[0]));
  }
  if (sides[1].part) predictions.push_back(predict_spin(c, sides[1]));
  if (sides[2].part) predictions.push_back(predict_yield_wait(c, sides[2]));
  judgement.workload.headline = headline_of(c, sides);
  judgement.findings.push_back(verdict_on(c, predictions, sides));
  return judgement;
}

}  // namespace observe
