// Whether a round trip is two switches, and no shorter across two CPUs.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/judges/cpu_sharing.h"
#include "analysis/judges/judge.h"
#include "analysis/judges/phases.h"
#include "analysis/judges/turns.h"
#include "analysis/wording.h"

namespace observe {
namespace {

using wording::decimal;
using wording::duration;

constexpr std::uint64_t kEnoughTrips = 100;
constexpr std::uint64_t kOneCpu = 0;
constexpr std::uint64_t kTwoCpus = 1;

struct Phase {
  std::uint64_t trips = 0;
  std::optional<double> rtt_us;
  std::optional<PhaseSpan> span;
  double at_work = 0;  // CPUs, by the kernel's events
};

Phase phase_of(const Facts& facts, const WorkloadRun& run, const std::vector<PhaseSpan>& spans,
               std::uint64_t number, const std::string& name) {
  Phase phase;
  if (const auto trips = run.fact<std::int64_t>(name + "_round_trips"); trips && *trips > 0) {
    phase.trips = static_cast<std::uint64_t>(*trips);
  }
  if (const auto rtt = run.number(name + "_rtt_ns")) phase.rtt_us = *rtt / 1e3;
  for (const PhaseSpan& span : spans) {
    if (span.number == number) phase.span = span;
  }
  if (phase.span) {
    const Stretch stretch{phase.span->begin, phase.span->end};
    phase.at_work =
        wording::share(time_in(facts, run.actors(), stretch, State::kRunning), stretch.length());
  }
  return phase;
}

report::Prediction predict_switches(const Facts& facts, const WorkloadRun& run, const Phase& phase,
                                    const Noise& noise) {
  const int hz = facts.trace.host().hz;
  const auto trips = static_cast<double>(phase.trips);
  std::optional<double> measured;
  double interruptions = 0;
  if (phase.span && phase.trips > 0) {
    const auto turns = turns_of(facts, run.actors(), phase.span->begin, phase.span->end);
    if (!turns.empty()) measured = static_cast<double>(turns.size() - 1) / trips;
    const double seconds = static_cast<double>(to_ns(phase.span->length())) / 1e9;
    interruptions = std::ceil(seconds * hz) +
                    static_cast<double>(std::ranges::count_if(turns, &Turn::interrupted));
  }
  // Whoever is stopped between sending and waiting, by a tick or a thread of others, leaves the CPU
  // while both are ready: one more hand-over there, and one back. And the phase begins and ends in
  // the midst of a turn.
  Conditions conditions{.quiet = false, .samples = phase.trips, .enough = kEnoughTrips};
  if (hz <= 0) conditions.lacking.emplace_back("the kernel's tick is not known");
  return judge({.name = "switches per round trip",
                .formula = "2 on one CPU",
                .predicted = 2,
                .measured = measured,
                .tolerance = phase.trips > 0 ? (2 + 2 * interruptions) / trips : 0},
               noise, conditions);
}

report::Prediction predict_round_trip(const WorkloadRun& run, const Phase& one, const Phase& two,
                                      const Noise& noise) {
  Conditions conditions{
      .lossless = false, .samples = std::min(one.trips, two.trips), .enough = kEnoughTrips};
  if (!run.fact<std::int64_t>("two_cpus_round_trips"))
    conditions.lacking.emplace_back("needs 2 CPUs");
  return judge({.name = "round trip across CPUs",
                .formula = "at least that on one CPU",
                .unit = "us",
                .predicted = one.rtt_us,
                .measured = two.rtt_us,
                .relation = report::Relation::kAtLeast},
               noise, conditions);
}

std::string microseconds(const Phase& phase) {
  if (!phase.rtt_us) return "not measured";
  return duration(Nanos{static_cast<std::int64_t>(std::clamp(*phase.rtt_us, 0.0, 1e12) * 1e3)});
}

}  // namespace

Judgement judge_ping_pong(const Facts& facts, const Noise& noise) {
  const auto run = WorkloadRun::read(facts);
  if (!run || run->actors("ping").size() != 1 || run->actors().size() != 2) {
    return judgement_without_run(facts, "ping-pong");
  }
  Judgement judgement;
  judgement.workload.ground_truth = run->truth();
  const auto spans = phases_of(facts, *run->actors("ping").front());
  const Phase one = phase_of(facts, *run, spans, kOneCpu, "one_cpu");
  const Phase two = phase_of(facts, *run, spans, kTwoCpus, "two_cpus");
  auto& predictions = judgement.workload.predictions;
  predictions.push_back(predict_switches(facts, *run, one, noise));
  predictions.push_back(predict_round_trip(*run, one, two, noise));

  report::Finding finding{.id = "ping-pong", .verdict = verdict_over(predictions)};
  if (two.rtt_us) {
    finding.claim = fmt::format("A round trip took {} on one CPU and {} across two",
                                microseconds(one), microseconds(two));
  } else {
    finding.claim = fmt::format("A round trip took {} on one CPU", microseconds(one));
  }
  for (const report::Prediction& prediction : predictions) {
    if (!prediction.reason.empty()) {
      finding.claim += fmt::format("; {}: {}", prediction.name, prediction.reason);
    }
  }
  finding.claim += finding.verdict == report::FindingVerdict::kShown
                       ? ": a second CPU gains nothing where each waits for the other."
                       : ".";
  finding.evidence.push_back(
      fmt::format("On one CPU {} switches between the two per round trip, of {} round trips.",
                  decimal(predictions.front().measured.value_or(0)), wording::number(one.trips)));
  finding.evidence.push_back(
      fmt::format("CPUs at work on average: {} on one CPU, {} across two ({} round trips).",
                  decimal(one.at_work), decimal(two.at_work), wording::number(two.trips)));
  judgement.workload.headline = {
      fmt::format("round trip: {} on one CPU, {} across two", microseconds(one), microseconds(two)),
      fmt::format("{} switches per round trip on one CPU",
                  decimal(predictions.front().measured.value_or(0)))};
  judgement.findings.push_back(std::move(finding));
  return judgement;
}

}  // namespace observe
