#include "analysis/self_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>

#include "analysis/loss_map.h"
#include "analysis/waiters.h"
#include "analysis/wording.h"

namespace observe {
namespace {

constexpr std::string_view kSwitchCounts = "switches = kernel's nvcsw + nivcsw";
constexpr std::string_view kRunTime = "time on CPU = kernel's sum_exec_runtime";
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

// How many events are known to be missing; no number where parts of the recording are.
std::uint64_t missing_events(const Quality& quality) {
  if (quality.damaged_blocks > 0 || quality.incomplete) return ~std::uint64_t{0};
  return quality.lost_events + quality.missed_probe_runs;
}

// The kernel promises it, and not of this run.
void excuse(report::SelfCheck& check) {
  check.promised = false;
  check.excused = true;
}

bool loss_touches(const Trace& trace) { return missing_events(trace.quality()) > 0; }

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
  if (check.checked == 0 && facts.trace.end() <= facts.trace.begin()) {
    check.applicable = false;
    check.detail = "nothing is known of any moment";
  }
  return check;
}

report::SelfCheck check_switch_chain(const Facts& facts) {
  report::SelfCheck check{.name = "the switches of each CPU chain", .unit = "ms"};
  struct Last {
    Time at;
    ThreadRef next = kNoThread;  // kNoThread: idle, or without a record of its own
    Tid next_tid{};
    bool seen = false;
  };
  std::vector<Last> last(facts.timelines.cpus.size());
  const LossMap losses(facts.trace.quality().lost);
  std::uint64_t of_observed = 0;
  std::uint64_t of_others = 0;
  std::uint64_t beside_hidden = 0;  // of observed threads
  double doubt = 0;                 // ns
  const auto observed = [&](ThreadRef ref) { return ref != kNoThread && facts.info(ref).target; };
  // At work, and neither in the kernel's task list nor forked since.
  const auto hidden = [&](ThreadRef ref) {
    if (ref == kNoThread) return false;
    const ThreadInfo& info = facts.info(ref);
    return !info.first && !info.last && !info.born;
  };
  for (const Switch& event : facts.trace.all<Switch>()) {
    Last& before = last[raw(event.cpu)];
    // A tid may change at an exec, a thread's reference does not.
    const bool chained = before.next != kNoThread || event.prev_thread != kNoThread
                             ? before.next == event.prev_thread
                             : before.next_tid == event.prev;
    const bool in_gap = before.seen && losses.first(event.cpu, before.at, event.at).has_value();
    if (before.seen && !in_gap) {
      ++check.checked;
      if (chained) {
        ++check.exact;
      } else {
        const bool touches_observed = observed(before.next) || observed(event.prev_thread);
        ++(touches_observed ? of_observed : of_others);
        if (touches_observed && (hidden(before.next) || hidden(event.prev_thread))) {
          ++beside_hidden;
        }
        doubt += static_cast<double>(to_ns(event.at - before.at));
      }
    }
    before = {event.at, event.next_thread, event.next, true};
  }
  check.worst = doubt / 1e6;
  check.passed = check.exact == check.checked;
  if (check.passed) return check;
  check.detail =
      fmt::format("{} of observed threads and {} of others without a record, {} in doubt",
                  wording::count(of_observed, "switch"), wording::number(of_others),
                  wording::duration(Nanos{static_cast<std::int64_t>(doubt)}));
  if (loss_touches(facts.trace)) {
    excuse(check);
    append(check.detail, kLossNote);
  } else if (of_observed == 0) {
    excuse(check);
    append(check.detail, "only threads that are not observed: a kernel may hide some from probes");
  } else if (beside_hidden == of_observed) {
    // The missing record is of a thread that this kernel shows to no probe and no task iterator.
    // That no switch of an observed thread is missing is for the check of their counters to say.
    excuse(check);
    append(check.detail, "each beside a thread that the kernel hides from its task list");
  }
  return check;
}

report::SelfCheck check_switch_counts(const Facts& facts, const std::vector<CounterWalk>& walks) {
  report::SelfCheck check{.name = std::string(kSwitchCounts), .unit = "switches"};
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
  if (!check.passed && extra == 0 && missed <= missing_events(facts.trace.quality())) {
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
  const bool excused = skipped <= missing_events(facts.trace.quality());
  check.passed = wrong == 0 && excused;
  if (skipped > 0 && excused) {
    check.detail = fmt::format("{} skipped: {}", wording::count(skipped, "switch-out"), kLossNote);
  }
  return check;
}

// At a wake-up preemption the kernel skips the clock update of the switch that follows
// (rq_clock_skip_update, kernel/sched/core.c): the woken thread is charged from its wake-up on, and
// the thread that it displaces no longer. Every tick updates the clock, which bounds one shift.
struct ClockShifts {
  double early = 0;  // what the kernel may have charged observed threads before they ran
  double late = 0;   // what it may not have charged those that they, or others, displaced
};

ClockShifts clock_shifts(const Facts& facts, Nanos tick) {
  ClockShifts shifts;
  const std::span<const Switch> switches = facts.trace.all<Switch>();
  facts.for_each_thread([&](ThreadRef, const ThreadInfo& info, const ThreadTimeline& timeline) {
    for (const Interval& interval : timeline.intervals) {
      const bool woken = interval.cause == WaitCause::kWoken || interval.cause == WaitCause::kNew;
      if (interval.state != State::kWaiting || !woken || interval.end_switch == kNoEvent) continue;
      const auto shift = static_cast<double>(std::min(interval.length(), tick).count());
      if (info.target) shifts.early += shift;
      const ThreadRef displaced = switches[interval.end_switch].prev_thread;
      if (displaced != kNoThread && facts.info(displaced).target) shifts.late += shift;
    }
  });
  return shifts;
}

// What interrupts and the hypervisor took from all CPUs: kernels may leave it out of a thread's
// running. Nothing where it was not measured. /proc/stat counts in ticks: one more for each CPU.
std::optional<double> taken_from_threads(const CaptureInfo& capture) {
  constexpr double kUserTick = 1e7;  // ns: USER_HZ is 100
  const auto growth = [](const std::vector<std::uint64_t>& before,
                         const std::vector<std::uint64_t>& after) {
    double sum = 0;
    for (std::size_t cpu = 0; cpu < std::min(before.size(), after.size()); ++cpu) {
      if (after[cpu] > before[cpu]) sum += static_cast<double>(after[cpu] - before[cpu]);
    }
    return sum;
  };
  const HostSample& before = capture.before;
  const HostSample& after = capture.after;
  if (before.steal_ns_by_cpu.empty() || after.steal_ns_by_cpu.empty()) return std::nullopt;
  return growth(before.steal_ns_by_cpu, after.steal_ns_by_cpu) +
         growth(before.interrupt_ns_by_cpu, after.interrupt_ns_by_cpu) +
         kUserTick * static_cast<double>(after.steal_ns_by_cpu.size());
}

report::SelfCheck check_run_time(const Facts& facts) {
  report::SelfCheck check{.name = std::string(kRunTime), .unit = "%"};
  constexpr double kShare = 0.01;
  constexpr double kSlack = 1e6;  // ns
  const Nanos tick = tick_of(facts.trace.host());
  const std::vector<Nanos> run = run_between_readings(facts);
  double ours = 0;
  double kernels = 0;
  double lags = 0;     // of the kernel's readings of running threads, up to a tick each
  double unknown = 0;  // may have been running: the kernel's account may be larger by it
  const ReadingCounts counts =
      for_each_reading(facts, [&](ThreadRef ref, const KernelAccounts& kernel) {
        const auto own = static_cast<double>(run[raw(ref)].count());
        const auto theirs = static_cast<double>(kernel.run_ns());
        const double lag = static_cast<double>(tick.count()) *
                           ((kernel.begin.on_cpu ? 1 : 0) + (kernel.end.on_cpu ? 1 : 0));
        ++check.checked;
        ours += own;
        kernels += theirs;
        lags += lag;
        unknown += static_cast<double>(account_of(facts.timeline(ref)).in(State::kUnknown).count());
        const double beyond = std::max(0.0, std::abs(own - theirs) - lag);
        if (beyond <= kShare * theirs + kSlack) ++check.exact;
        if (theirs > kSlack) check.worst = std::max(check.worst, 100 * relative(beyond, theirs));
      });
  check.detail = fmt::format("together {} of {} by the kernel's account",
                             wording::duration(Nanos{static_cast<std::int64_t>(ours)}),
                             wording::duration(Nanos{static_cast<std::int64_t>(kernels)}));
  const double promised = lags + kShare * kernels + kSlack;
  const double more = ours - kernels;  // negative: the kernel has more
  check.passed = more <= promised && -more <= promised + unknown;
  if (!check.passed) {
    // Three things may explain the rest, each only as far as it goes.
    const ClockShifts shifts = clock_shifts(facts, tick);
    const std::optional<double> taken = taken_from_threads(facts.trace.capture());
    if (loss_touches(facts.trace)) {
      excuse(check);
      append(check.detail, kLossNote);
    } else if (more < 0 && -more <= promised + unknown + shifts.early) {
      excuse(check);
      append(check.detail, "the kernel charges woken threads from their wake-up on");
    } else if (more > 0 && !taken) {
      excuse(check);
      append(check.detail,
             "the kernel may leave out interrupts and stolen time: not measured here");
    } else if (more > 0 && more <= promised + shifts.late + *taken) {
      excuse(check);
      append(check.detail,
             "the kernel leaves out interrupts, stolen time, and what a woken thread displaces");
    }
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

namespace {

report::SelfCheck unless_vacuous(report::SelfCheck check) {
  if (check.checked > 0) return check;
  check.applicable = false;
  append(check.detail, "there was nothing to check");
  return check;
}

}  // namespace

std::vector<report::SelfCheck> self_checks(const Facts& facts, const ThreadAccounts& accounts) {
  const std::vector<CounterWalk> walks = walk_counters(facts);
  return {unless_vacuous(check_state_sums(facts, accounts)),
          unless_vacuous(check_one_per_cpu(facts)),
          check_loss_placed(facts),
          unless_vacuous(check_switch_chain(facts)),
          unless_vacuous(check_switch_counts(facts, walks)),
          unless_vacuous(check_switch_kinds(facts, walks)),
          unless_vacuous(check_run_time(facts)),
          unless_vacuous(check_run_delay(facts))};
}

report::KernelAgreement kernel_agreement(std::span<const report::SelfCheck> checks) {
  report::KernelAgreement agreement;
  for (const report::SelfCheck& check : checks) {
    if (check.name == kSwitchCounts) {
      agreement.threads = check.checked;
      agreement.worst_switches = check.worst;
    } else if (check.name == kRunTime) {
      agreement.worst_run_percent = check.worst;
    }
  }
  return agreement;
}

}  // namespace observe
