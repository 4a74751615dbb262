#include "analysis/judges/rounds_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "analysis/judges/cpu_sharing.h"
#include "analysis/wording.h"

namespace observe {
namespace {

using wording::decimal;
using wording::duration;
using wording::percent;

constexpr std::uint64_t kEnoughRounds = 3;
// When a tenth of the time goes into starting and collecting threads, the run tells more about
// them than about the work.
constexpr double kMostStarting = 0.1;

constexpr std::uint64_t kPhasesOfARound = 3;
constexpr std::uint64_t kAlone = 0;
constexpr std::uint64_t kShared = 2;

double ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }

// CPUs at work on average, of all threads together.
double at_work(const Facts& facts, const WorkloadRun& run, const std::vector<PhaseSpan>& phases) {
  Nanos running{};
  for (const Actor& actor : run.actors()) running += time_in(facts, actor, phases, State::kRunning);
  return wording::share(running, length_of(phases));
}

Nanos a_round(double sum_ns, std::uint64_t rounds) {
  const double each = ratio(sum_ns, static_cast<double>(rounds));
  return Nanos{static_cast<std::int64_t>(std::min(each, 1e18))};
}

}  // namespace

double RoundsRun::work_ns() const {
  return std::accumulate(cpu_shares_ns.begin(), cpu_shares_ns.end(), serial_ns);
}

double RoundsRun::critical_ns() const {
  return serial_ns + *std::ranges::max_element(cpu_shares_ns);
}

std::optional<double> RoundsRun::measured_speed_up() const {
  return shared_ns > 0 ? std::optional(alone_ns / shared_ns) : std::nullopt;
}

std::optional<RoundsRun> read_rounds(const Facts& facts) {
  auto run = WorkloadRun::read(facts);
  if (!run) return std::nullopt;
  RoundsRun result{.run = *std::move(run)};
  const auto rounds = result.run.fact<std::int64_t>("rounds");
  const auto cpus = result.run.fact<std::int64_t>("cpus_used");
  const auto pinned = result.run.fact<bool>("pinned");
  const auto one_cpu = result.run.fact<bool>("one_cpu_asked");
  if (!rounds || *rounds < 0 || !cpus || *cpus < 1 || !pinned || !one_cpu) return std::nullopt;
  if (static_cast<std::size_t>(*cpus) > result.run.actors().size()) return std::nullopt;
  result.rounds = static_cast<std::uint64_t>(*rounds);
  result.cpus = static_cast<std::size_t>(*cpus);
  result.pinned = *pinned;
  result.one_cpu_asked = *one_cpu;
  double alone_cpu = 0;
  double critical_cpu = 0;
  for (const auto& [name, into] : {std::pair{"alone_ns", &result.alone_ns},
                                   {"start_ns", &result.start_ns},
                                   {"shared_ns", &result.shared_ns},
                                   {"serial_ns", &result.serial_ns},
                                   {"alone_cpu_ns", &alone_cpu},
                                   {"critical_cpu_ns", &critical_cpu}}) {
    const auto value = result.run.number(name);
    if (!value || *value < 0) return std::nullopt;
    *into = *value;
  }
  // Threads are dealt out to the CPUs in turn.
  result.cpu_shares_ns.resize(result.cpus);
  for (std::size_t i = 0; i < result.run.actors().size(); ++i) {
    const auto share = result.run.actors()[i].number("share_ns");
    if (!share || *share < 0) return std::nullopt;
    result.cpu_shares_ns[i % result.cpus] += *share;
  }
  if (result.critical_ns() <= 0) return std::nullopt;
  // What the same work took alone.
  const double expected = alone_cpu * result.critical_ns() / result.work_ns();
  result.cpu_growth = expected > 0 ? std::abs(critical_cpu / expected - 1) : 0;
  // A round that was cut short has all its phases marked, or some: it does not count.
  std::vector<PhaseSpan> phases = phases_of(facts, result.run.actors().front());
  std::erase_if(phases, [&](const PhaseSpan& phase) {
    return phase.number / kPhasesOfARound >= result.rounds;
  });
  result.alone = every(phases, kPhasesOfARound, kAlone);
  result.shared = every(phases, kPhasesOfARound, kShared);
  result.running_ns = static_cast<double>(to_ns(result.run.in(State::kRunning)));
  for (const Actor& actor : result.run.actors()) {
    result.unknown += time_in(facts, actor, result.shared, State::kUnknown);
  }
  result.at_work_alone = at_work(facts, result.run, result.alone);
  result.at_work_shared = at_work(facts, result.run, result.shared);
  return result;
}

double rounds_slack(const RoundsRun& run, const Noise& noise) {
  // The shares are of what the threads wanted: their own running, and what was taken.
  const double share = std::min(noise.foreign_share + noise.observer_share, 0.5);
  const double taken_ns = run.running_ns * share / (1 - share);
  return ratio(taken_ns + run.start_ns, run.shared_ns) + noise.steal_share + run.cpu_growth;
}

Conditions rounds_conditions(const RoundsRun& run) {
  Conditions conditions{.samples = run.rounds, .enough = kEnoughRounds};
  if (run.run.actors().size() < 2) conditions.lacking.emplace_back("needs 2 threads");
  if (run.cpus < 2 && !run.one_cpu_asked) conditions.lacking.emplace_back("needs 2 CPUs");
  if (!run.pinned) {
    conditions.lacking.emplace_back(
        "the kernel places the threads (--unpinned), and no formula says where");
  }
  if (run.cpu_growth > noise_limits::kCalibrationError) {
    conditions.doubts.push_back(
        fmt::format("the longest share took {} more or less CPU time than alone: the CPUs share a "
                    "core, or change their speed",
                    percent(run.cpu_growth)));
  }
  const double starting = ratio(run.start_ns, run.shared_ns);
  if (starting > kMostStarting) {
    conditions.doubts.push_back(fmt::format(
        "starting and collecting threads takes {} of the time: the pieces of work are too short",
        percent(starting)));
  }
  return conditions;
}

std::vector<report::Prediction> predict_rounds(const RoundsRun& run, const Noise& noise,
                                               const std::string& formula) {
  const double predicted = run.work_ns() / run.critical_ns();
  const double tolerance = predicted * rounds_slack(run, noise);
  const Conditions conditions = rounds_conditions(run);
  std::vector<report::Prediction> predictions;
  // In the time that is unknown a thread may have run; or others, who made the round longer, which
  // weighs more as the work is never less than its longest part.
  const auto add = [&](const Expected& expected, Conditions own, double unknown) {
    doubt_unknown(own, expected, unknown, run.unknown);
    predictions.push_back(judge(expected, noise, own));
  };
  Conditions own_clock = conditions;
  own_clock.lossless = false;
  const double unknown = wording::share(run.unknown, length_of(run.shared));
  add({.name = "speed-up",
       .formula = formula,
       .predicted = predicted,
       .measured = run.measured_speed_up(),
       .tolerance = tolerance},
      own_clock, predicted * unknown);
  add({.name = "CPUs at work",
       .formula = formula,
       .predicted = predicted,
       .measured = run.shared.empty() ? std::nullopt : std::optional(run.at_work_shared),
       .tolerance = tolerance},
      conditions, predicted * unknown);
  return predictions;
}

report::Finding rounds_finding(const RoundsRun& run,
                               const std::vector<report::Prediction>& predictions, std::string id) {
  report::Finding finding{.id = std::move(id), .verdict = verdict_over(predictions)};
  const report::Prediction& speed_up = predictions.front();
  const std::string seen =
      fmt::format("Shared out among {} threads on {} the work was done {} times as fast",
                  run.run.actors().size(), wording::count(run.cpus, "CPU"),
                  decimal(speed_up.measured.value_or(0)));
  finding.claim = finding.verdict == report::FindingVerdict::kShown
                      ? fmt::format("{}, as predicted.", seen)
                      : fmt::format("{}; {} was predicted{}{}.", seen, decimal(*speed_up.predicted),
                                    speed_up.reason.empty() ? "" : ": ", speed_up.reason);
  finding.evidence.push_back(fmt::format(
      "{}: alone {}, shared out {}, each on average.", wording::count(run.rounds, "round"),
      duration(a_round(run.alone_ns, run.rounds)), duration(a_round(run.shared_ns, run.rounds))));
  finding.evidence.push_back(
      fmt::format("The kernel's events: {} CPUs at work while one thread was alone, {} while all "
                  "worked.",
                  decimal(run.at_work_alone), decimal(run.at_work_shared)));
  finding.evidence.push_back(
      fmt::format("Starting and collecting the threads took {} (rounds without work); the CPU "
                  "time of the longest share differed by {}.",
                  duration(a_round(run.start_ns, run.rounds)), percent(run.cpu_growth)));
  return finding;
}

std::vector<std::string> rounds_headline(const RoundsRun& run,
                                         const std::vector<report::Prediction>& predictions) {
  const report::Prediction& speed_up = predictions.front();
  return {
      fmt::format("{} times as fast on {} (predicted {})", decimal(speed_up.measured.value_or(0)),
                  wording::count(run.cpus, "CPU"), decimal(*speed_up.predicted)),
      fmt::format("a round: alone {}, shared out {}; {} CPUs at work",
                  duration(a_round(run.alone_ns, run.rounds)),
                  duration(a_round(run.shared_ns, run.rounds)), decimal(run.at_work_shared))};
}

}  // namespace observe
