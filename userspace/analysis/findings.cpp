#include "analysis/findings.h"

#include <fmt/format.h>

#include <algorithm>

#include "analysis/wording.h"

namespace observe {
namespace {

using report::Finding;
using report::FindingVerdict;
using wording::decimal;
using wording::duration;
using wording::percent;
using wording::share;

using FindingFunction = std::optional<Finding> (*)(const Facts&, const Results&);

std::string holding_text(const Facts& facts, const Holding& one) {
  switch (one.kind) {
    case Holding::Kind::kThread:
      return fmt::format("{} ran for {} of it", wording::thread(facts, one.thread),
                         duration(one.time));
    case Holding::Kind::kIdle:
      return fmt::format("the CPU was idle for {} of it", duration(one.time));
    case Holding::Kind::kUnknown:
      break;
  }
  return fmt::format("for {} of it, what ran is unknown", duration(one.time));
}

std::optional<Finding> lost_events(const Facts& facts, const Results&) {
  const Quality& quality = facts.trace.quality();
  if (quality.lost_events == 0 && !quality.incomplete) return std::nullopt;
  Finding finding{.id = "lost-events", .verdict = FindingVerdict::kShown};
  if (quality.lost_events == 0) {
    finding.claim = "The recording ends early: what came after its last whole block is missing.";
    return finding;
  }
  const std::uint64_t all = facts.trace.event_count() + quality.lost_events;
  finding.claim =
      fmt::format("{} lost ({} of all): times that this touches are shown as unknown.",
                  wording::count(quality.lost_events, "event"),
                  percent(static_cast<double>(quality.lost_events) / static_cast<double>(all)));
  if (!quality.lost.empty()) {
    const auto worst = std::ranges::max_element(quality.lost, {}, &LostInterval::count);
    finding.evidence.push_back(fmt::format("Most of them, {}, on CPU {} within {}.",
                                           wording::number(worst->count), raw(worst->cpu),
                                           duration(worst->to - worst->from)));
    finding.at = worst->from - facts.trace.begin();
  }
  return finding;
}

std::optional<Finding> worst_wait(const Facts& facts, const Results& results) {
  std::optional<Wait> worst = results.latency.worst;
  const std::optional<Wait>& cut = results.latency.longest_clipped;
  if (cut && (!worst || cut->length() > worst->length())) worst = cut;
  if (!worst) return std::nullopt;
  Finding finding{.id = "worst-wait", .verdict = FindingVerdict::kShown};
  finding.claim = fmt::format("The longest wait for a CPU was {}{}: {}, {}, on CPU {}.",
                              worst->clipped ? "at least " : "", duration(worst->length()),
                              wording::thread(facts, worst->thread), wait_cause_text(worst->cause),
                              raw(worst->cpu));
  if (worst->clipped) {
    finding.evidence.emplace_back(
        "The window or a loss cuts it: it was longer, by how much is not known.");
  }
  if (worst->parts > 1) {
    finding.evidence.push_back(
        fmt::format("It was moved {} while it waited.", wording::count(worst->parts - 1, "time")));
  } else {
    const std::vector<Holding> held = holders_during(facts, worst->cpu, worst->begin, worst->end);
    for (std::size_t i = 0; i < std::min<std::size_t>(held.size(), 3); ++i) {
      finding.evidence.push_back("Meanwhile " + holding_text(facts, held[i]) + ".");
    }
  }
  finding.at = worst->end - facts.trace.begin();
  return finding;
}

std::optional<Finding> parallel_or_concurrent(const Facts&, const Results& results) {
  const Parallelism& both = results.parallelism;
  if (results.accounts.target_count < 2 || both.concurrency_mean <= 0) return std::nullopt;
  Finding finding{.id = "parallelism", .verdict = FindingVerdict::kShown};
  const double together = both.share_running(2);
  if (together == 0) {
    finding.claim =
        fmt::format("Concurrent but not parallel: never did two of the {} run at the same time.",
                    wording::count(results.accounts.target_count, "observed thread"));
  } else {
    finding.claim = fmt::format("For {} of the time at least two observed threads ran at once.",
                                percent(together));
  }
  finding.evidence.push_back(fmt::format("On average {} ran and {} were running or runnable.",
                                         decimal(both.parallelism_mean),
                                         decimal(both.concurrency_mean)));
  return finding;
}

std::optional<Finding> oversubscription(const Facts& facts, const Results& results) {
  Nanos queued{};
  std::size_t cpus = 0;
  for (const QueueDepth& queue : results.queues) queued = std::max(queued, queue.not_empty);
  for (const CpuUse& cpu : results.cpus) cpus += cpu.targets > Nanos{0} ? 1 : 0;
  const double wanted = results.parallelism.concurrency_mean;
  if (cpus == 0 || wanted <= static_cast<double>(cpus)) return std::nullopt;
  Finding finding{.id = "oversubscription", .verdict = FindingVerdict::kShown};
  finding.claim =
      fmt::format("More wanted to run than could: {} observed threads on average, on {}.",
                  decimal(wanted), wording::count(cpus, "CPU"));
  const auto deepest = std::ranges::max_element(results.queues, {}, &QueueDepth::max);
  finding.evidence.push_back(fmt::format(
      "The longest queue held {}, on CPU {}; the busiest was not empty for {} of the time.",
      wording::count(deepest->max, "waiting thread"), deepest - results.queues.begin(),
      percent(share(queued, facts.window()))));
  finding.at = deepest->max_at - facts.trace.begin();
  return finding;
}

std::optional<Finding> switch_causes(const Facts&, const Results& results) {
  const std::uint64_t all = results.switch_count();
  if (all == 0) return std::nullopt;
  const std::uint64_t preempted = results.switches_by(SwitchCause::kPreempted);
  const std::uint64_t yielded = results.switches_by(SwitchCause::kYielded);
  const std::uint64_t blocked = results.switches_by(SwitchCause::kBlocked);
  const auto part = [all](std::uint64_t n) {
    return percent(static_cast<double>(n) / static_cast<double>(all));
  };
  Finding finding{.id = "switch-causes", .verdict = FindingVerdict::kShown};
  finding.claim =
      fmt::format("Of {}, {} took the CPU away, {} gave it up, and {} waited for something.",
                  wording::count(all, "switch-out"), part(preempted), part(yielded), part(blocked));
  if (yielded > 0) {
    finding.evidence.push_back(
        fmt::format("{} in sched_yield: getrusage counts these as involuntary.",
                    wording::count(yielded, "switch-out")));
  }
  if (preempted > 0 && results.slices.all.count > 0) {
    finding.evidence.push_back(
        fmt::format("Half of the run slices lasted {} or less, one in ten "
                    "longer than {}.",
                    duration(results.slices.all.p50), duration(results.slices.all.p90)));
  }
  return finding;
}

std::optional<Finding> foreigners(const Facts&, const Results& results) {
  const Noise& noise = results.noise;
  if (noise.foreign_share <= noise_limits::kForeignShare) return std::nullopt;
  Finding finding{.id = "others", .verdict = FindingVerdict::kShown};
  finding.claim = fmt::format(
      "Threads that are not observed took {} of the CPU time that observed ones wanted.",
      percent(noise.foreign_share));
  finding.evidence.push_back(fmt::format("Above all {}: {}.", noise.worst_foreigner,
                                         duration(noise.worst_foreigner_time)));
  return finding;
}

std::optional<Finding> lock_waiting(const Facts& facts, const Results& results) {
  Blocking futex;
  for (const Blocking& one : results.target_blocking) {
    if (one.reason.block_class != BlockClass::kFutex) continue;
    futex.time += one.time;
    futex.count += one.count;
    if (one.longest > futex.longest) {
      futex.longest = one.longest;
      futex.longest_end = one.longest_end;
    }
  }
  const ThreadAccount& all = results.accounts.targets;
  if (futex.count == 0 || futex.time * 100 < all.lifetime) return std::nullopt;
  Finding finding{.id = "locks", .verdict = FindingVerdict::kConsistent};
  finding.claim = fmt::format(
      "Observed threads blocked on futexes {} for {} of their lives: contended locks, "
      "or conditions and joins.",
      wording::count(futex.count, "time"), percent(share(futex.time, all.lifetime)));
  finding.evidence.push_back(
      fmt::format("The longest such sleep took {}.", duration(futex.longest)));
  finding.at = futex.longest_end - facts.trace.begin();
  return finding;
}

std::optional<Finding> migrations(const Facts& facts, const Results& results) {
  const Placement& moves = results.target_placement;
  if (moves.migrations == 0) return std::nullopt;
  Finding finding{.id = "migrations", .verdict = FindingVerdict::kShown};
  finding.claim = fmt::format("The kernel moved observed threads to another CPU {}.",
                              wording::count(moves.migrations, "time"));
  for (std::size_t i = 0; i < kDistances; ++i) {
    if (moves.by_distance[i] == 0) continue;
    finding.evidence.push_back(fmt::format("{} {}.", wording::count(moves.by_distance[i], "move"),
                                           distance_text(static_cast<Distance>(i))));
  }
  std::optional<Time> first;
  facts.for_each_thread([&](ThreadRef, const ThreadInfo& info, const ThreadTimeline& timeline) {
    if (!info.target || timeline.migrations.empty()) return;
    const Time at = timeline.migrations.front().at;
    if (!first || at < *first) first = at;
  });
  if (first) finding.at = *first - facts.trace.begin();
  return finding;
}

// The order is that of importance.
constexpr FindingFunction kFindings[] = {
    lost_events, parallel_or_concurrent, oversubscription, worst_wait, switch_causes,
    foreigners,  lock_waiting,           migrations,
};

}  // namespace

std::vector<Finding> findings(const Facts& facts, const Results& results) {
  std::vector<Finding> found;
  for (const FindingFunction find : kFindings) {
    if (std::optional<Finding> finding = find(facts, results)) found.push_back(std::move(*finding));
  }
  return found;
}

}  // namespace observe
