#include "analysis/self_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/waiters.h"
#include "analysis/wording.h"

namespace observe {
namespace {

constexpr std::string_view kLossNote =
    "events were lost: what is missing may have been in the gaps";

std::string left_out(std::uint64_t torn, std::uint64_t missing) {
  std::string text;
  if (torn > 0) text += wording::count(torn, "thread") + " left out: read while it changed";
  if (missing > 0) {
    text += (text.empty() ? "" : "; ") + wording::count(missing, "thread") +
            " without two readings of the kernel";
  }
  return text;
}

void append(std::string& detail, std::string_view more) {
  if (!more.empty()) detail.append(detail.empty() ? "" : "; ").append(more);
}

// Whether lost events leave room for what a check missed.
bool loss_touches(const Trace& trace) {
  return trace.quality().lost_events > 0 || trace.quality().missed_probe_runs > 0 ||
         trace.quality().damaged_blocks > 0 || trace.quality().incomplete;
}

struct ReadingCounts {
  std::uint64_t torn = 0;
  std::uint64_t missing = 0;
};

template <class Visit>
ReadingCounts for_each_reading(const Facts& facts, Visit&& visit) {
  ReadingCounts counts;
  facts.for_each_thread([&](ThreadRef ref, const ThreadInfo& info, const ThreadTimeline&) {
    if (!info.target) return;
    const ReadingResult readings = kernel_readings(info);
    counts.torn += readings.status == Readings::kTorn ? 1 : 0;
    counts.missing += readings.status == Readings::kMissing ? 1 : 0;
    if (readings.status == Readings::kBoth) visit(ref, readings.accounts);
  });
  return counts;
}

Nanos tick_of(const HostInfo& host) {
  // CONFIG_HZ is 100 at the least.
  return Nanos{1'000'000'000 / (host.hz > 0 ? host.hz : 100)};
}

double relative(double difference, double whole) {
  return whole > 0 ? std::abs(difference) / whole : 0;
}

}  // namespace

report::SelfCheck check_state_sums(const Facts& facts, const ThreadAccounts& accounts) {
  report::SelfCheck check{.name = "state times add up to lifetimes", .unit = "ns"};
  facts.for_each_thread([&](ThreadRef ref, const ThreadInfo&, const ThreadTimeline& timeline) {
    Time expected = timeline.begin;
    bool tiled = true;
    for (const Interval& interval : timeline.intervals) {
      tiled = tiled && interval.begin == expected && interval.end >= interval.begin;
      expected = interval.end;
    }
    tiled = tiled && expected == timeline.end;
    const ThreadAccount& account = accounts[ref];
    const Nanos off = account.sum() - account.lifetime;
    ++check.checked;
    if (tiled && off == Nanos{0}) ++check.exact;
    check.worst = std::max(check.worst, std::abs(static_cast<double>(off.count())));
  });
  check.passed = check.exact == check.checked;
  return check;
}

report::SelfCheck check_one_per_cpu(const Facts& facts) {
  report::SelfCheck check{.name = "at most one thread runs on a CPU", .unit = "ns"};
  std::vector<Overlap> running =
      intervals_by_cpu(facts, State::kRunning, [](const ThreadInfo&) { return true; });
  for (std::size_t cpu = 0; cpu < running.size(); ++cpu) {
    if (facts.timelines.cpus[cpu].slices.empty()) continue;
    Nanos overlap{};
    running[cpu].for_each_stretch([&](Time begin, Time end, std::size_t threads) {
      if (threads > 1) overlap += end - begin;
    });
    ++check.checked;
    if (overlap == Nanos{0}) ++check.exact;
    check.worst = std::max(check.worst, static_cast<double>(overlap.count()));
  }
  check.passed = check.exact == check.checked;
  return check;
}

report::SelfCheck check_loss_placed(const Facts& facts) {
  const Quality& quality = facts.trace.quality();
  report::SelfCheck check{.name = "lost events have a place in time", .unit = "events"};
  check.checked = quality.lost_events;
  for (const LostInterval& lost : quality.lost) check.exact += lost.count;
  check.worst = std::abs(static_cast<double>(check.checked) - static_cast<double>(check.exact));
  check.passed = check.exact == check.checked;
  check.detail = check.checked == 0 ? "nothing was lost" : "";
  return check;
}

report::SelfCheck check_switch_counts(const Facts& facts, const std::vector<CounterWalk>& walks) {
  report::SelfCheck check{.name = "switches = kernel's nvcsw + nivcsw", .unit = "switches"};
  std::uint64_t missed = 0;
  std::uint64_t extra = 0;
  const ReadingCounts counts =
      for_each_reading(facts, [&](ThreadRef ref, const KernelAccounts& kernel) {
        const std::uint64_t seen = walks[raw(ref)].between;
        const std::uint64_t real = kernel.switches();
        ++check.checked;
        if (seen == real) ++check.exact;
        if (seen < real) missed += real - seen;
        if (seen > real) extra += seen - real;
        const double off = std::abs(static_cast<double>(seen) - static_cast<double>(real));
        check.worst = std::max(check.worst, off);
      });
  check.passed = check.exact == check.checked;
  if (!check.passed && extra == 0 && loss_touches(facts.trace)) {
    check.passed = true;
    check.detail = fmt::format("{} not seen: {}", wording::count(missed, "switch-out"), kLossNote);
  }
  append(check.detail, left_out(counts.torn, counts.missing));
  return check;
}

report::SelfCheck check_switch_kinds(const Facts& facts, const std::vector<CounterWalk>& walks) {
  report::SelfCheck check{.name = "voluntary or not, as the kernel counts", .unit = "switches"};
  std::uint64_t skipped = 0;
  std::uint64_t wrong = 0;
  for (const CounterWalk& walk : walks) {
    check.checked += walk.steps;
    const std::uint64_t own_wrong = walk.wrong_kind + walk.repeated;
    wrong += own_wrong;
    skipped += walk.skipped;
    check.worst = std::max(check.worst, static_cast<double>(own_wrong + walk.skipped));
  }
  check.exact = check.checked - std::min(check.checked, wrong + skipped);
  const bool excused = skipped == 0 || loss_touches(facts.trace);
  check.passed = wrong == 0 && excused;
  if (skipped > 0 && excused) {
    check.detail = fmt::format("{} skipped: {}", wording::count(skipped, "switch-out"), kLossNote);
  }
  return check;
}

// By how much the kernel's account of a thread's running may exceed the time between its switches:
// at a wake-up preemption it skips the clock update of the switch that follows, so that the woken
// thread is charged from its wake-up on (rq_clock_skip_update, kernel/sched/core.c).
Nanos charged_before_switch_in(const ThreadTimeline& timeline) {
  Nanos sum{0};
  for (const Interval& interval : timeline.intervals) {
    const bool woken = interval.cause == WaitCause::kWoken || interval.cause == WaitCause::kNew;
    if (interval.state == State::kWaiting && woken) sum += interval.length();
  }
  return sum;
}

report::SelfCheck check_run_time(const Facts& facts) {
  report::SelfCheck check{.name = "time on CPU = kernel's sum_exec_runtime", .unit = "%"};
  // Per thread: what the two readings lag, and the displacement at wake-up preemptions.
  constexpr double kThreadShare = 0.01;
  constexpr Nanos kThreadSlack{1'000'000};
  const Nanos tick = tick_of(facts.trace.host());
  const std::vector<Nanos> run = run_between_readings(facts);
  double ours = 0;
  double kernels = 0;
  double slack = 0;
  double early = 0;  // what the kernel may have charged before switch-ins
  const ReadingCounts counts =
      for_each_reading(facts, [&](ThreadRef ref, const KernelAccounts& kernel) {
        const auto own = static_cast<double>(run[raw(ref)].count());
        const auto theirs = static_cast<double>(kernel.run_ns());
        const double lag = static_cast<double>(tick.count()) *
                           ((kernel.begin.on_cpu ? 1 : 0) + (kernel.end.on_cpu ? 1 : 0));
        ++check.checked;
        ours += own;
        kernels += theirs;
        // What is unknown may have been running.
        const Nanos unknown = account_of(facts.timeline(ref)).in(State::kUnknown);
        slack += lag + static_cast<double>(unknown.count());
        early += static_cast<double>(charged_before_switch_in(facts.timeline(ref)).count());
        const double beyond = std::max(0.0, std::abs(own - theirs) - lag);
        if (beyond <= kThreadShare * theirs + static_cast<double>(kThreadSlack.count())) {
          ++check.exact;
        }
        if (theirs > static_cast<double>(kThreadSlack.count())) {
          check.worst = std::max(check.worst, 100 * relative(beyond, theirs));
        }
      });
  slack += kThreadShare * kernels + static_cast<double>(kThreadSlack.count());
  check.detail = fmt::format("together {} of {} by the kernel's account",
                             wording::duration(Nanos{static_cast<std::int64_t>(ours)}),
                             wording::duration(Nanos{static_cast<std::int64_t>(kernels)}));
  if (std::abs(ours - kernels) <= slack) {
    check.passed = true;
  } else if (loss_touches(facts.trace)) {
    check.passed = true;
    append(check.detail, kLossNote);
  } else if (ours > kernels) {
    check.promised = false;
    append(check.detail, "the kernel leaves out interrupts and stolen time");
  } else if (kernels - ours <= slack + early) {
    check.promised = false;
    append(check.detail, "the kernel charges woken threads from their wake-up on");
  }
  append(check.detail, left_out(counts.torn, counts.missing));
  return check;
}

report::SelfCheck check_run_delay(const Facts& facts) {
  report::SelfCheck check{.name = "time waiting against the kernel's run_delay", .unit = "%"};
  check.promised = false;
  constexpr double kTight = 0.01;  // holds for CPU-bound threads
  std::uint64_t without = 0;
  double ours = 0;
  double kernels = 0;
  for_each_reading(facts, [&](ThreadRef ref, const KernelAccounts& kernel) {
    const std::optional<std::uint64_t> delay = kernel.run_delay_ns();
    if (!delay) {
      ++without;
      return;
    }
    const ThreadAccount account = account_of(facts.timeline(ref));
    const auto own = static_cast<double>(account.in(State::kWaiting).count());
    const auto theirs = static_cast<double>(*delay);
    ++check.checked;
    ours += own;
    kernels += theirs;
    if (relative(own - theirs, theirs) <= kTight) ++check.exact;
    if (theirs > 1e6) check.worst = std::max(check.worst, 100 * relative(own - theirs, theirs));
  });
  check.passed = check.checked > 0 && relative(ours - kernels, kernels) <= kTight;
  check.detail = fmt::format(
      "together {} by the events, {} by the kernel, which skips a clock update at "
      "wake-up preemptions",
      wording::duration(Nanos{static_cast<std::int64_t>(ours)}),
      wording::duration(Nanos{static_cast<std::int64_t>(kernels)}));
  if (without > 0) append(check.detail, wording::count(without, "thread") + " without run_delay");
  return check;
}

std::vector<report::SelfCheck> self_checks(const Facts& facts, const ThreadAccounts& accounts) {
  const std::vector<CounterWalk> walks = walk_counters(facts);
  return {check_state_sums(facts, accounts),
          check_one_per_cpu(facts),
          check_loss_placed(facts),
          check_switch_counts(facts, walks),
          check_switch_kinds(facts, walks),
          check_run_time(facts),
          check_run_delay(facts)};
}

}  // namespace observe
