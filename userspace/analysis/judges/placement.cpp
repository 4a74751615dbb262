// What pinning changed, against where the kernel put the threads by itself.
#include <fmt/format.h>

#include <algorithm>

#include "analysis/judges/cpu_sharing.h"
#include "analysis/judges/judge.h"
#include "analysis/judges/phases.h"
#include "analysis/wording.h"

namespace observe {
namespace {

using wording::decimal;
using wording::duration;

constexpr std::uint64_t kFree = 0;
constexpr std::uint64_t kPinned = 1;

// What the threads did while all of them were in this phase.
struct Placed {
  std::size_t threads = 0;  // that came to it
  std::uint64_t migrations = 0;
  Stretch common;
  Nanos waiting{};
  double at_work = 0;  // CPUs
  Nanos unknown{};
};

Placed placed(const Facts& facts, const WorkloadRun& run, std::uint64_t phase) {
  Placed result;
  for (const Actor& actor : run.actors()) {
    const auto own = every(phases_of(facts, actor), kPinned + 1, phase);
    if (own.empty()) continue;
    const PhaseSpan& span = own.front();
    ++result.threads;
    result.migrations += conduct_of(facts, actor.thread, span.begin, span.end).migrations;
    if (result.threads == 1) {
      result.common = {span.begin, span.end};
    } else {
      result.common.begin = std::max(result.common.begin, span.begin);
      result.common.end = std::min(result.common.end, span.end);
    }
  }
  if (result.threads < run.actors().size() || result.common.begin >= result.common.end) {
    result.common = {};
    return result;
  }
  result.waiting = time_in(facts, run.actors(), result.common, State::kWaiting);
  result.at_work = wording::share(time_in(facts, run.actors(), result.common, State::kRunning),
                                  result.common.length());
  result.unknown = time_in(facts, run.actors(), result.common, State::kUnknown);
  return result;
}

std::vector<report::Prediction> predict(const Facts& facts, const WorkloadRun& run,
                                        const Placed& pinned, std::int64_t cpus,
                                        const Noise& noise) {
  const std::size_t threads = run.actors().size();
  std::vector<report::Prediction> predictions;
  predictions.push_back(judge({.name = "migrations, pinned",
                               .formula = "0",
                               .predicted = 0,
                               .measured = static_cast<double>(pinned.migrations)},
                              noise,
                              {.quiet = false, .samples = pinned.threads, .enough = threads}));
  Conditions at_work{.samples = pinned.threads, .enough = threads};
  if (cpus < 2) at_work.lacking.emplace_back("needs 2 CPUs");
  if (threads < 2) at_work.lacking.emplace_back("needs 2 threads");
  if (auto unfair = unfair_policy(facts)) at_work.lacking.push_back(*std::move(unfair));
  const Expected expected{
      .name = "CPUs at work, pinned",
      .formula = "min(N, C)",
      .predicted = static_cast<double>(std::min(static_cast<std::int64_t>(threads), cpus)),
      .measured = pinned.common.length() > Nanos{0} ? std::optional(pinned.at_work) : std::nullopt,
      // What a quiet machine may take from each thread, and what the observer took.
      .tolerance =
          static_cast<double>(threads) * (noise_limits::kForeignShare + noise.observer_share)};
  doubt_unknown(at_work, expected, wording::share(pinned.unknown, pinned.common.length()),
                pinned.unknown);
  predictions.push_back(judge(expected, noise, at_work));
  return predictions;
}

std::string sentence(std::string_view name, const Placed& phase) {
  return fmt::format("{}: {}, {} CPUs at work on average, waits of {} in all within {}.", name,
                     wording::count(phase.migrations, "migration"), decimal(phase.at_work),
                     duration(phase.waiting), duration(phase.common.length()));
}

}  // namespace

Judgement judge_placement(const Facts& facts, const Noise& noise) {
  const auto run = WorkloadRun::read(facts);
  const auto cpus = run ? run->fact<std::int64_t>("cpus") : std::nullopt;
  if (!cpus || *cpus < 1) return judgement_without_run(facts, "placement");
  Judgement judgement;
  auto& truth = judgement.workload.ground_truth;
  truth = run->truth();
  const Placed free = placed(facts, *run, kFree);
  const Placed pinned = placed(facts, *run, kPinned);
  truth["free_migrations"] = static_cast<std::int64_t>(free.migrations);
  truth["free_waiting_ns"] = to_ns(free.waiting);
  truth["free_cpus_at_work"] = free.at_work;
  auto& predictions = judgement.workload.predictions;
  predictions = predict(facts, *run, pinned, *cpus, noise);

  report::Finding finding{.id = "placement", .verdict = verdict_over(predictions)};
  const std::string seen = fmt::format("Pinned threads migrated {} times, free ones {} times",
                                       pinned.migrations, free.migrations);
  finding.claim =
      finding.verdict == report::FindingVerdict::kShown
          ? fmt::format("{}; pinned they kept {} CPUs at work.", seen, decimal(pinned.at_work))
          : fmt::format(
                "{}; pinned they kept {} CPUs at work, and {} were predicted"
                "{}{}.",
                seen, decimal(pinned.at_work), decimal(predictions.back().predicted.value_or(0)),
                predictions.back().reason.empty() ? "" : ": ", predictions.back().reason);
  finding.evidence.push_back(sentence("Free", free));
  finding.evidence.push_back(sentence("Pinned", pinned));
  finding.evidence.push_back(
      fmt::format("Where the kernel puts free threads is measured here, not predicted: {}{}.",
                  facts.trace.host().kernel, boot_options_text(facts.trace.host())));
  judgement.workload.headline = {
      fmt::format("free: {}, {} CPUs at work", wording::count(free.migrations, "migration"),
                  decimal(free.at_work)),
      fmt::format("pinned: {}, {} CPUs at work", wording::count(pinned.migrations, "migration"),
                  decimal(pinned.at_work))};
  judgement.findings.push_back(std::move(finding));
  return judgement;
}

}  // namespace observe
