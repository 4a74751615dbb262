// Whether counters in one cache line cost each thread as much as having to take turns.
#include <fmt/format.h>

#include <algorithm>

#include "analysis/judges/cpu_sharing.h"
#include "analysis/judges/judge.h"
#include "analysis/judges/phases.h"
#include "analysis/wording.h"

namespace observe {
namespace {

using wording::percent;

// For this part of the phases all threads must have run at the same time.
constexpr double kMostlyTogether = 0.9;
constexpr std::uint64_t kEnoughPhases = 2;

struct Together {
  std::size_t phases = 0;
  double share = 0;  // of the packed phases, in which all threads ran at once
};

Together together_in(const Facts& facts, const WorkloadRun& run) {
  // The meeting between phases is short: the first thread's phases are everybody's.
  const std::vector<PhaseSpan> spans = every(phases_of(facts, run.actors().front()), 2, 0);
  Nanos least = Nanos::max();
  for (const Actor& actor : run.actors()) {
    least = std::min(least, time_in(facts, actor, spans, State::kRunning));
  }
  return {.phases = spans.size(), .share = wording::share(least, length_of(spans))};
}

// Two of the CPUs that the threads ran on are one core's.
bool share_a_core(const HostInfo& host, const std::vector<Cpu>& cpus) {
  std::vector<std::pair<int, int>> cores;
  for (const CpuTopology& one : host.topology) {
    if (one.core < 0 || !std::ranges::binary_search(cpus, one.cpu)) continue;
    const std::pair core{one.package, one.core};
    if (std::ranges::find(cores, core) != cores.end()) return true;
    cores.push_back(core);
  }
  return false;
}

}  // namespace

Judgement judge_false_sharing(const Facts& facts, const Noise& noise) {
  const auto run = WorkloadRun::read(facts);
  if (!run) return judgement_without_run(facts, "false-sharing");
  const auto packed = run->number("packed_ns_per_op");
  const auto padded = run->number("padded_ns_per_op");
  Judgement judgement;
  judgement.workload.ground_truth = run->truth();
  const std::size_t threads = run->actors().size();
  const Together together = together_in(facts, *run);
  Conditions conditions{.samples = together.phases, .enough = kEnoughPhases};
  if (threads < 2) conditions.lacking.emplace_back("needs 2 threads");
  if (run->cpus().size() < threads) {
    conditions.lacking.push_back(fmt::format("needs {} CPUs, one for each thread", threads));
  } else if (together.share < kMostlyTogether) {
    conditions.doubts.push_back(fmt::format(
        "the threads ran at the same time for only {} of the phases", percent(together.share)));
  }
  if (share_a_core(facts.trace.host(), run->cpus())) {
    conditions.lacking.emplace_back("the CPUs share a core, and with it the cache");
  }
  const bool measured = packed && padded && *padded > 0;
  const auto bound = static_cast<double>(threads);
  auto& predictions = judgement.workload.predictions;
  predictions.push_back(
      judge({.name = "packed / padded",
             .formula = "at least N: one writer of a line at a time",
             .predicted = bound,
             .measured = measured ? std::optional(*packed / *padded) : std::nullopt,
             // While one of them was not running nobody fought for the line.
             .tolerance = bound * std::max(0.0, 1 - together.share),
             .relation = report::Relation::kAtLeast},
            noise, conditions));
  const report::Prediction& ratio = predictions.front();

  report::Finding finding{.id = "false-sharing", .verdict = verdict_over(predictions)};
  const std::string seen =
      measured ? fmt::format(
                     "An addition took {:.2g} ns with all counters in one cache line, and "
                     "{:.2g} ns with a line for each",
                     *packed, *padded)
               : std::string("What an addition took was not measured");
  finding.claim = finding.verdict == report::FindingVerdict::kShown
                      ? fmt::format("{}: {:.1f} times as long.", seen, ratio.measured.value_or(0))
                      : fmt::format("{}; {}.", seen,
                                    ratio.reason.empty()
                                        ? fmt::format("at least {} times were predicted", threads)
                                        : ratio.reason);
  finding.evidence.push_back(
      fmt::format("The threads ran on {}, each for at least {} of the packed phases.",
                  wording::count(run->cpus().size(), "CPU"), percent(together.share)));
  if (measured) {
    judgement.workload.headline = {
        fmt::format("packed {:.2g} ns, padded {:.2g} ns an addition in each thread", *packed,
                    *padded),
        fmt::format("{:.1f} times as long (at least {})", *packed / *padded, threads)};
  }
  judgement.findings.push_back(std::move(finding));
  return judgement;
}

}  // namespace observe
