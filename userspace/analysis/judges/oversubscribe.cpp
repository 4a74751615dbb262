// Whether the CPUs were all busy and everybody else waited.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/judges/cpu_sharing.h"
#include "analysis/judges/judge.h"
#include "analysis/overlap.h"
#include "analysis/wording.h"

namespace observe {
namespace {

using wording::duration;

double ms(Nanos time) { return static_cast<double>(to_ns(time)) / 1e6; }

struct Demand {
  Nanos cpu_time{};  // ∫ min(n, C) dt
  Nanos waiting{};   // ∫ max(n − C, 0) dt
  Nanos phases{};    // of all threads together
};

Demand demand_of(const std::vector<Actor>& actors, std::int64_t cpus) {
  Demand demand;
  Overlap overlap;
  for (const Actor& actor : actors) {
    overlap.add(actor.begin, actor.end);
    demand.phases += actor.phase();
  }
  overlap.for_each_stretch([&](Time from, Time to, std::size_t depth) {
    const auto threads = static_cast<std::int64_t>(depth);
    demand.cpu_time += (to - from) * std::min(threads, cpus);
    demand.waiting += (to - from) * std::max<std::int64_t>(threads - cpus, 0);
  });
  return demand;
}

// The kernel's own sum; nothing where it keeps none.
std::optional<double> delay_account(const std::vector<Actor>& actors) {
  double sum = 0;
  for (const Actor& actor : actors) {
    const auto delay = actor.number("sched_delay_ns");
    if (!delay) return std::nullopt;
    sum += *delay / 1e6;
  }
  return sum;
}

struct Supply {
  Nanos common{};  // while all threads were in progress
  Nanos idle{};
  std::size_t cpus_used = 0;
};

Conditions conditions_of(const Facts& facts, const WorkloadRun& run, std::int64_t cpus,
                         const Supply& supply) {
  Conditions conditions;
  if (auto unfair = unfair_policy(facts)) conditions.lacking.push_back(*std::move(unfair));
  const auto threads = static_cast<std::int64_t>(run.actors().size());
  if (threads <= cpus) {
    conditions.lacking.push_back(
        fmt::format("needs more threads than CPUs: --threads {}", 2 * cpus));
    return conditions;
  }
  // More threads than CPUs: whatever is idle, somebody could have run there.
  const std::string boot = boot_options_text(facts.trace.host());
  if (supply.cpus_used < static_cast<std::size_t>(cpus)) {
    conditions.doubts.push_back(
        fmt::format("the kernel used {} of {} CPUs{}", supply.cpus_used, cpus, boot));
  } else if (wording::share(supply.idle, supply.common * cpus) > noise_limits::kForeignShare) {
    conditions.doubts.push_back(
        fmt::format("the kernel left CPUs idle for {} while threads waited on others{}",
                    duration(supply.idle), boot));
  }
  return conditions;
}

}  // namespace

Judgement judge_oversubscribe(const Facts& facts, const Noise& noise) {
  const auto run = WorkloadRun::read(facts);
  const auto cpus = run ? run->fact<std::int64_t>("cpus") : std::nullopt;
  if (!cpus || *cpus < 1 || *cpus > 1'000'000) return judgement_without_run(facts, "waiting");
  Judgement judgement;
  judgement.workload.ground_truth = run->truth();
  const Demand demand = demand_of(run->actors(), *cpus);
  const Stretch common = common_stretch(run->actors());
  const Supply supply{.common = common.length(),
                      .idle = idle_time(facts, run->cpus(), common),
                      .cpus_used = run->cpus().size()};
  const Conditions conditions = conditions_of(facts, *run, *cpus, supply);
  Nanos running{};
  Nanos waiting{};
  Nanos unknown{};
  for (const Actor& actor : run->actors()) {
    running += actor.conduct.in(State::kRunning);
    waiting += actor.conduct.in(State::kWaiting);
    unknown += actor.conduct.in(State::kUnknown);
  }
  // What others took is lost to the threads' CPU time, and adds to their waiting; so is what CPUs
  // were idle. Both are measured.
  const double taken = noise.foreign_share + noise.observer_share + noise.steal_share;
  const double tolerance = taken * ms(demand.phases) + ms(supply.idle);
  const auto account = delay_account(run->actors());
  auto& predictions = judgement.workload.predictions;
  const auto add = [&](std::string name, std::string formula, Nanos predicted,
                       std::optional<double> measured, Conditions own) {
    const Expected expected{.name = std::move(name),
                            .formula = std::move(formula),
                            .unit = "ms",
                            .predicted = ms(predicted),
                            .measured = measured,
                            .tolerance = tolerance};
    doubt_unknown(own, expected, ms(unknown), unknown);
    predictions.push_back(judge(expected, noise, own));
  };
  add("CPU time", "∫ min(n, C) dt", demand.cpu_time, ms(running), conditions);
  add("waiting", "∫ max(n − C, 0) dt", demand.waiting, ms(waiting), conditions);
  Conditions of_account = conditions;
  of_account.lossless = false;
  if (!account) of_account.lacking.emplace_back("the kernel keeps no account of waiting");
  add("waiting, the kernel's account", "∫ max(n − C, 0) dt", demand.waiting, account, of_account);

  report::Finding finding{.id = "waiting", .verdict = verdict_over(predictions)};
  const std::string seen = fmt::format("{} on {} got {} of CPU time and waited {} in all",
                                       wording::count(run->actors().size(), "thread"),
                                       wording::count(static_cast<std::uint64_t>(*cpus), "CPU"),
                                       duration(running), duration(waiting));
  const std::string& reason = predictions.front().reason;
  finding.claim =
      finding.verdict == report::FindingVerdict::kShown
          ? fmt::format("{}, as predicted.", seen)
          : fmt::format("{}; {} and {} were predicted{}{}.", seen, duration(demand.cpu_time),
                        duration(demand.waiting), reason.empty() ? "" : ": ", reason);
  if (account) {
    finding.evidence.push_back(fmt::format(
        "The kernel's own account says that they waited {}.",
        duration(Nanos{static_cast<std::int64_t>(std::clamp(*account, 0.0, 1e12) * 1e6)})));
  }
  finding.evidence.push_back(fmt::format("{} while all were in progress; CPUs were idle for {}.",
                                         wording::count(run->migrations(), "migration"),
                                         duration(supply.idle)));
  judgement.workload.headline = {
      fmt::format("{} on {}: {} of CPU time, {} of waiting",
                  wording::count(run->actors().size(), "thread"),
                  wording::count(static_cast<std::uint64_t>(*cpus), "CPU"), duration(running),
                  duration(waiting)),
      fmt::format("predicted: {} and {}", duration(demand.cpu_time), duration(demand.waiting))};
  judgement.findings.push_back(std::move(finding));
  return judgement;
}

}  // namespace observe
