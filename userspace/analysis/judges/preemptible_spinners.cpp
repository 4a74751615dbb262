// Whether computing threads took turns as the tick and the slice say, or ran at the same time.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/judges/cpu_sharing.h"
#include "analysis/judges/fair_turn.h"
#include "analysis/judges/judge.h"
#include "analysis/judges/prediction.h"
#include "analysis/judges/turns.h"
#include "analysis/wording.h"

namespace observe {
namespace {

using report::Finding;
using report::FindingVerdict;
using wording::decimal;
using wording::duration;

constexpr std::uint64_t kEnoughTurns = 20;
// When others come in between more often than once in ten turns, their number tells little.
constexpr double kMostInterrupted = 0.1;

double ms(Nanos time) { return static_cast<double>(to_ns(time)) / 1e6; }
double seconds(Nanos time) { return static_cast<double>(to_ns(time)) / 1e9; }

// The slice that all of them have; nothing where the kernel does not tell or they differ.
std::optional<Nanos> common_slice(const WorkloadRun& run) {
  std::optional<double> slice;
  for (const Actor& actor : run.actors()) {
    const auto own = actor.number("slice_ns");
    if (!own || *own <= 0 || *own > 1e12 || (slice && *slice != *own)) return std::nullopt;
    slice = own;
  }
  return slice ? std::optional(Nanos{static_cast<std::int64_t>(*slice)}) : std::nullopt;
}

struct Rotation {
  std::vector<Turn> turns;  // whole ones
  std::vector<double> lengths_ms;
  std::vector<double> waits_ms;
  std::uint64_t interrupted = 0;
  Nanos unknown{};  // what all threads did in it
  Nanos between{};  // from the first whole turn's beginning to the last one's end
};

Rotation rotation_of(const Facts& facts, const WorkloadRun& run, const Stretch& phase) {
  Rotation rotation;
  std::vector<Turn> all = turns_of(facts, run.actors(), phase.begin, phase.end);
  // The first began before, and the last may end after.
  if (all.size() < 3) return rotation;
  rotation.turns.assign(all.begin() + 1, all.end() - 1);
  std::vector<std::optional<Time>> left(run.actors().size());
  for (const Turn& turn : rotation.turns) {
    rotation.lengths_ms.push_back(ms(turn.running));
    if (left[turn.actor]) rotation.waits_ms.push_back(ms(turn.begin - *left[turn.actor]));
    left[turn.actor] = turn.end;
    rotation.interrupted += turn.interrupted ? 1 : 0;
  }
  const Stretch between{rotation.turns.front().begin, rotation.turns.back().end};
  rotation.between = between.length();
  rotation.unknown = time_in(facts, run.actors(), between, State::kUnknown);
  return rotation;
}

std::vector<std::string> lacking_of(const Facts& facts, const std::optional<FairTurn>& turn) {
  if (auto unfair = unfair_policy(facts)) return {*std::move(unfair)};
  if (!turn) return {why_no_fair_turn(facts.trace.host())};
  return {};
}

std::vector<report::Prediction> predict_rotation(const Facts& facts, const WorkloadRun& run,
                                                 const Stretch& phase, const Rotation& rotation,
                                                 const std::optional<FairTurn>& turn,
                                                 const Noise& noise) {
  Conditions conditions{
      .samples = rotation.turns.size(), .enough = kEnoughTurns, .lacking = lacking_of(facts, turn)};
  const bool several = run.actors().size() > 1;
  if (!several) conditions.lacking.emplace_back("needs 2 threads");
  const auto others = static_cast<double>(run.actors().size() - 1);
  std::optional<double> q;
  double tick = 0;
  // Rounding may go either way for a slice so near to whole ticks.
  double doubt = 0;
  if (turn) {
    q = ms(turn->turn);
    tick = ms(turn->tick);
    doubt = turn->ambiguous ? tick : 0;
  }
  std::vector<report::Prediction> predictions;
  const auto add = [&](Expected expected) {
    predictions.push_back(judge(std::move(expected), noise, conditions));
  };
  const auto times = [&q](double factor) { return q ? std::optional(*q * factor) : std::nullopt; };
  const auto median = [](const std::vector<double>& values) {
    return values.empty() ? std::nullopt : std::optional(quantile(values, 0.5));
  };
  // Turns and waits are whole ticks: half a tick tells one number of them from the next.
  add({.name = "turn",
       .formula = turn ? turn->formula : "⌈slice / tick⌉ · tick",
       .unit = "ms",
       .predicted = q,
       .measured = median(rotation.lengths_ms),
       .tolerance = tick / 2 + doubt});
  add({.name = "wait",
       .formula = "(N−1) · q",
       .unit = "ms",
       .predicted = times(others),
       .measured = median(rotation.waits_ms),
       .tolerance = tick / 2 + others * doubt});
  // A thread of others that comes in between may end a turn before its time: each can have added
  // one turn. One more for the two ends.
  const double wall = seconds(rotation.between);
  const auto turns = static_cast<double>(rotation.turns.size());
  const Expected rate{.name = "turns per second",
                      .formula = "1 / q",
                      .unit = "/s",
                      .predicted = q ? std::optional(1e3 / *q) : std::nullopt,
                      .measured = wall > 0 ? std::optional(turns / wall) : std::nullopt,
                      .tolerance = wall > 0 && q
                                       ? (static_cast<double>(rotation.interrupted) + 1) / wall +
                                             1e3 / *q - 1e3 / (*q + doubt)
                                       : 0};
  Conditions of_rate = conditions;
  if (static_cast<double>(rotation.interrupted) > kMostInterrupted * turns) {
    of_rate.doubts.push_back(fmt::format("threads of others came in between {} times in {} turns",
                                         rotation.interrupted, rotation.turns.size()));
  }
  if (wall > 0 && q) {
    // As many hand-overs may be missing as turns fit into it, and two more.
    doubt_unknown(of_rate, rate, (ms(rotation.unknown) / *q + 2) / wall, rotation.unknown);
  }
  predictions.push_back(judge(rate, noise, of_rate));
  // EEVDF and CFS let no thread fall behind or run ahead of its share by more than a turn: by one
  // when the stretch begins, and by one the other way when it ends.
  Nanos sum{};
  Nanos most{};
  for (const Actor& actor : run.actors()) {
    const Nanos own = conduct_of(facts, actor.thread, phase.begin, phase.end).in(State::kRunning);
    sum += own;
    most = std::max(most, own);
  }
  const Expected share{
      .name = "largest share",
      .formula = "1 / N",
      .predicted = 1.0 / (others + 1),
      .measured = sum > Nanos{0} ? std::optional(wording::share(most, sum)) : std::nullopt,
      .tolerance = q && sum > Nanos{0} ? 2 * (*q + doubt) / ms(sum) : 0};
  Conditions of_share = conditions;
  doubt_unknown(of_share, share, wording::share(rotation.unknown, sum), rotation.unknown);
  predictions.push_back(judge(share, noise, of_share));
  return predictions;
}

// Each with a CPU of its own.
report::Prediction predict_parallel(const Facts& facts, const WorkloadRun& run,
                                    const Stretch& phase, bool spread, const Noise& noise) {
  Conditions conditions;
  const std::size_t threads = run.actors().size();
  const auto cpus = static_cast<std::size_t>(std::max(facts.trace.host().cpus_online, 0));
  if (cpus < 2) conditions.lacking.emplace_back("needs 2 CPUs");
  if (threads < 2) conditions.lacking.emplace_back("needs 2 threads");
  double shared = 0;  // CPUs' worth of waiting for one another
  double running = 0;
  Nanos unknown{};
  const Nanos length = phase.end - phase.begin;
  for (const Actor& actor : run.actors()) {
    const Conduct conduct = conduct_of(facts, actor.thread, phase.begin, phase.end);
    running += wording::share(conduct.in(State::kRunning), length);
    shared += wording::share(conduct.in(State::kWaiting), length);
    unknown += conduct.in(State::kUnknown);
  }
  const double most = static_cast<double>(std::min(threads, cpus));
  // What a quiet machine may take from them, and what the observer took.
  const double tolerance =
      static_cast<double>(threads) * (noise_limits::kForeignShare + noise.observer_share);
  const double queued = static_cast<double>(threads) - most;
  if (!spread && shared > queued + tolerance) {
    conditions.doubts.push_back(fmt::format(
        "the kernel let threads share a CPU: waits of {} in all beyond what the CPUs are too few "
        "for",
        duration(Nanos{
            static_cast<std::int64_t>((shared - queued) * static_cast<double>(to_ns(length)))})));
  }
  const Expected expected{.name = "CPUs at work",
                          .formula = "min(N, CPUs)",
                          .predicted = most,
                          .measured = length > Nanos{0} ? std::optional(running) : std::nullopt,
                          .tolerance = tolerance};
  doubt_unknown(conditions, expected, wording::share(unknown, length), unknown);
  return judge(expected, noise, conditions);
}

std::string reason_of(const std::vector<report::Prediction>& predictions) {
  for (const auto& one : predictions) {
    if (!one.reason.empty()) return one.reason;
  }
  return "fewer threads than it takes";
}

void judge_turns(const Rotation& rotation, const std::optional<FairTurn>& turn, std::size_t threads,
                 Judgement& judgement, Finding& finding) {
  const double length = quantile(rotation.lengths_ms, 0.5);
  const double wait = quantile(rotation.waits_ms, 0.5);
  if (rotation.turns.empty() || !turn) {
    finding.claim =
        fmt::format("No turns could be judged: {}.", reason_of(judgement.workload.predictions));
    return;
  }
  const std::string seen =
      fmt::format("{} threads took turns of {:.2f} ms on one CPU and waited {:.2f} ms in between",
                  threads, length, wait);
  finding.claim =
      finding.verdict == FindingVerdict::kShown
          ? fmt::format("{}, as slice and tick predict.", seen)
          : fmt::format("{}; {:.2f} and {:.2f} ms were predicted.", seen, ms(turn->turn),
                        ms(turn->turn) * static_cast<double>(threads - 1));
  finding.evidence.push_back(fmt::format(
      "Slice {:.2f} ms, tick {:.2f} ms: a turn ends at a tick, {} after it began.", ms(turn->slice),
      ms(turn->tick), wording::count(static_cast<std::uint64_t>(turn->turn / turn->tick), "tick")));
  finding.evidence.push_back(fmt::format(
      "{} hand-overs, none of them asked for by a thread; threads of others came in between {}.",
      wording::number(rotation.turns.size()),
      rotation.interrupted == 1 ? "once" : wording::number(rotation.interrupted) + " times"));
  judgement.workload.headline.push_back(fmt::format(
      "{} threads, one CPU: turns of {:.2f} ms, waits of {:.2f} ms", threads, length, wait));
  judgement.workload.headline.push_back(
      fmt::format("predicted: {:.2f} ms and {:.2f} ms", ms(turn->turn),
                  ms(turn->turn) * static_cast<double>(threads - 1)));
}

void judge_parallel(std::size_t threads, Judgement& judgement, Finding& finding) {
  const report::Prediction& at_work = judgement.workload.predictions.front();
  const std::string seen = fmt::format("{} threads kept {} CPUs at work", threads,
                                       decimal(at_work.measured.value_or(0)));
  finding.claim =
      finding.verdict == FindingVerdict::kShown
          ? fmt::format("{} all the time: they ran in parallel.", seen)
          : fmt::format("{}; {} were predicted{}{}.", seen, decimal(at_work.predicted.value_or(0)),
                        at_work.reason.empty() ? "" : ": ", at_work.reason);
  judgement.workload.headline.push_back(
      fmt::format("{} (at most {})", seen, decimal(at_work.predicted.value_or(0))));
}

}  // namespace

Judgement judge_preemptible_spinners(const Facts& facts, const Noise& noise) {
  const auto run = WorkloadRun::read(facts);
  const auto one_cpu = run ? run->fact<bool>("one_cpu") : std::nullopt;
  if (!one_cpu) return judgement_without_run(facts, "turns");
  Judgement judgement;
  judgement.workload.ground_truth = run->truth();
  const Stretch phase = common_stretch(run->actors());
  Finding finding{.id = *one_cpu ? "turns" : "parallel"};
  const std::size_t threads = run->actors().size();
  if (*one_cpu) {
    const Rotation rotation = rotation_of(facts, *run, phase);
    const auto turn = fair_turn(facts.trace.host(), threads, common_slice(*run));
    judgement.workload.predictions = predict_rotation(facts, *run, phase, rotation, turn, noise);
    finding.verdict = verdict_over(judgement.workload.predictions);
    judge_turns(rotation, turn, threads, judgement, finding);
  } else {
    judgement.workload.predictions = {
        predict_parallel(facts, *run, phase, run->fact<bool>("spread").value_or(false), noise)};
    finding.verdict = verdict_over(judgement.workload.predictions);
    judge_parallel(threads, judgement, finding);
  }
  judgement.findings.push_back(std::move(finding));
  return judgement;
}

}  // namespace observe
