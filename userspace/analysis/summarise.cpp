#include "analysis/summarise.h"

#include <algorithm>

#include "analysis/findings.h"
#include "analysis/judges/judge.h"
#include "analysis/kernel_counts.h"
#include "analysis/lock_use.h"
#include "analysis/markers.h"
#include "analysis/quality_notes.h"
#include "analysis/results.h"
#include "analysis/self_checks.h"
#include "analysis/user_tasks.h"

namespace observe {
namespace {

std::string kind_text(RunKind kind) {
  switch (kind) {
    case RunKind::kWorkload:
      return "workload";
    case RunKind::kCommand:
      return "command";
    case RunKind::kPid:
      return "pid";
    case RunKind::kSystem:
      break;
  }
  return "system";
}

template <class T>
std::optional<T> unless_zero(T value) {
  if (value == T{}) return std::nullopt;
  return value;
}

Nanos nanos(std::uint64_t ns) { return Nanos{static_cast<std::int64_t>(ns)}; }
std::optional<Nanos> nanos(std::optional<std::uint64_t> ns) {
  if (!ns) return std::nullopt;
  return nanos(*ns);
}

report::Run run_of(const Trace& trace) {
  const RunInfo& run = trace.run();
  return {.kind = kind_text(run.kind),
          .name = run.name,
          .command = run.command,
          .parameters = run.parameters,
          .seed = run.seed,
          .started_at = run.started_at,
          .duration = trace.end() - trace.begin(),
          .exit_status = trace.capture().exit_status,
          .end_reason = trace.capture().end_reason};
}

report::Host host_of(const HostInfo& host) {
  report::Host result{.kernel = host.kernel,
                      .arch = host.machine,
                      .cpus_online = host.cpus_online,
                      .hz = unless_zero(host.hz),
                      .preempt_model = host.preempt_model,
                      .scheduler = host.scheduler,
                      .slice = unless_zero(Nanos{host.slice_ns}),
                      .hypervisor = host.hypervisor,
                      .boot_options = host.boot_options};
  for (const CpuTopology& cpu : host.topology) {
    result.topology.push_back({.cpu = raw(cpu.cpu),
                               .core = cpu.core,
                               .package = cpu.package,
                               .llc = cpu.llc,
                               .node = cpu.node,
                               .online = cpu.online});
  }
  return result;
}

report::Capture capture_of(const Facts& facts) {
  const Trace& trace = facts.trace;
  const CaptureInfo& capture = trace.capture();
  report::Capture result{.clock = capture.clock,
                         .events = trace.event_count(),
                         .lost = trace.quality().lost_events,
                         .missed_probe_runs = trace.quality().missed_probe_runs,
                         .markers_lost = trace.quality().markers_lost,
                         .damaged_blocks = trace.quality().damaged_blocks,
                         .observer_cpu = nanos(capture.observer_cpu_ns),
                         .probe_cpu = nanos(capture.probe_cpu_ns),
                         .recording_bytes = trace.recording_bytes(),
                         .complete = capture.complete && !trace.quality().incomplete,
                         .notes = quality_notes(facts)};
  result.by_kind = {{"switch", trace.count<Switch>()},   {"waking", trace.count<Waking>()},
                    {"wakeup", trace.count<Wakeup>()},   {"migrate", trace.count<Migrate>()},
                    {"fork", trace.count<Fork>()},       {"rename", trace.count<Rename>()},
                    {"exec", trace.count<Exec>()},       {"exit", trace.count<Exit>()},
                    {"account", trace.count<Account>()}, {"marker", trace.count<Marker>()}};
  for (const LostInterval& lost : trace.quality().lost) {
    result.lost_intervals.push_back({.cpu = raw(lost.cpu),
                                     .from = lost.from - trace.begin(),
                                     .to = lost.to - trace.begin(),
                                     .count = lost.count});
  }
  return result;
}

report::Totals totals_of(const Results& results) {
  const ThreadAccount& all = results.accounts.targets;
  return {.switches = results.switch_count(),
          .preempted = results.switches_by(SwitchCause::kPreempted),
          .yielded = results.switches_by(SwitchCause::kYielded),
          .blocked = results.switches_by(SwitchCause::kBlocked),
          .wakeups = results.wakeups,
          .migrations = results.target_placement.migrations,
          .run = all.in(State::kRunning),
          .wait = all.in(State::kWaiting),
          .parallelism_mean = results.parallelism.parallelism_mean,
          .concurrency_mean = results.parallelism.concurrency_mean};
}

std::optional<report::KernelAccount> kernel_account_of(const ThreadInfo& info) {
  const ReadingResult readings = kernel_readings(info);
  if (readings.status != Readings::kBoth) return std::nullopt;
  const KernelAccounts& both = readings.accounts;
  report::KernelAccount account{
      .nvcsw = both.nvcsw(), .nivcsw = both.nivcsw(), .run = nanos(both.run_ns())};
  if (const auto delay = both.run_delay_ns()) account.run_delay = nanos(*delay);
  return account;
}

// By name alone, which is unique there: a read from a disk and one from a pipe are both "read".
std::vector<report::BlockedBy> blocked_by(const std::vector<Blocking>& blocking) {
  std::vector<report::BlockedBy> reasons;
  for (const Blocking& one : blocking) {
    auto found = std::ranges::find(reasons, one.reason.name, &report::BlockedBy::reason);
    if (found == reasons.end()) {
      found = reasons.insert(found, {.reason = one.reason.name});
    }
    found->time += one.time;
    found->count += one.count;
  }
  std::ranges::stable_sort(reasons, std::greater{}, &report::BlockedBy::time);
  return reasons;
}

report::Thread thread_of(const Facts& facts, const Results& results, ThreadRef ref) {
  const ThreadInfo& info = facts.info(ref);
  const ThreadTimeline& timeline = facts.timeline(ref);
  const ThreadAccount& account = results.accounts[ref];
  report::Thread thread{.tid = raw(info.tid),
                        .tgid = raw(info.process),
                        .name = info.name(),
                        .role = info.role,
                        .target = info.target,
                        .lifetime = account.lifetime,
                        .run = account.in(State::kRunning),
                        .wait = account.in(State::kWaiting),
                        .wait_by_cause = {.woken = account.waiting(WaitCause::kWoken),
                                          .fresh = account.waiting(WaitCause::kNew),
                                          .preempted = account.waiting(WaitCause::kPreempted),
                                          .yielded = account.waiting(WaitCause::kYielded),
                                          .unknown = account.waiting(WaitCause::kUnknown)},
                        .wake_delay = account.in(State::kWakeDelay),
                        .blocked = account.in(State::kBlocked),
                        .unknown = account.in(State::kUnknown),
                        .switches = {.preempted = timeline.switches_by(SwitchCause::kPreempted),
                                     .yielded = timeline.switches_by(SwitchCause::kYielded),
                                     .blocked = timeline.switches_by(SwitchCause::kBlocked),
                                     .exited = timeline.switches_by(SwitchCause::kExited)},
                        .migrations = results.placement[raw(ref)].migrations,
                        .wait_latency = results.latency.threads[raw(ref)],
                        .run_slice = results.slices.threads[raw(ref)],
                        .kernel_account = kernel_account_of(info)};
  thread.blocked_by = blocked_by(results.blocking[raw(ref)]);
  for (const CpuShare& share : results.placement[raw(ref)].cpus) {
    thread.cpus.push_back({.cpu = raw(share.cpu), .run = share.run});
  }
  return thread;
}

// Observed threads by role and tid; then those others that ran or wanted to, the busiest first.
std::vector<report::Thread> threads_of(const Facts& facts, const Results& results) {
  std::vector<report::Thread> threads;
  facts.for_each_thread([&](ThreadRef ref, const ThreadInfo& info, const ThreadTimeline&) {
    const ThreadAccount& account = results.accounts[ref];
    const bool active =
        account.in(State::kRunning) > Nanos{0} || account.in(State::kWaiting) > Nanos{0};
    if (info.target || active) threads.push_back(thread_of(facts, results, ref));
  });
  std::ranges::stable_sort(threads, [](const report::Thread& a, const report::Thread& b) {
    if (a.target != b.target) return a.target;
    if (a.target) return a.role != b.role ? a.role < b.role : a.tid < b.tid;
    return a.run > b.run;
  });
  return threads;
}

std::vector<report::CpuSummary> cpus_of(const Results& results) {
  std::vector<report::CpuSummary> cpus;
  for (const CpuUse& use : results.cpus) {
    const QueueDepth& queue = results.queues[raw(use.cpu)];
    cpus.push_back({.cpu = raw(use.cpu),
                    .busy = use.busy,
                    .idle = use.idle,
                    .switches = use.switches,
                    .queue_mean = queue.mean,
                    .queue_max = queue.max,
                    .utilisation = use.utilisation,
                    .target_utilisation = use.target_utilisation});
  }
  return cpus;
}

std::vector<report::RoleSummary> roles_of(const Results& results) {
  std::vector<report::RoleSummary> roles;
  for (const RoleAccount& role : results.accounts.roles) {
    roles.push_back({.role = role.role,
                     .threads = role.threads,
                     .lifetime = role.account.lifetime,
                     .run = role.account.in(State::kRunning),
                     .wait = role.account.in(State::kWaiting),
                     .wake_delay = role.account.in(State::kWakeDelay),
                     .blocked = role.account.in(State::kBlocked),
                     .unknown = role.account.in(State::kUnknown)});
  }
  return roles;
}

std::vector<report::Holder> holders_of(const Facts& facts, const Results& results) {
  std::vector<report::Holder> holders;
  for (const Holding& one : results.holders) {
    report::Holder holder{.time = one.time};
    if (one.kind == Holding::Kind::kThread) {
      const ThreadInfo& info = facts.info(one.thread);
      holder.name = info.name();
      holder.tid = raw(info.tid);
      holder.target = info.target;
    } else {
      holder.name = one.kind == Holding::Kind::kIdle ? "(idle)" : "(unknown)";
    }
    holders.push_back(std::move(holder));
  }
  return holders;
}

// Of a program with more locks than this the most waited for are enough.
constexpr std::size_t kMostLocks = 64;
constexpr std::size_t kMostHolders = 8;

std::vector<report::Lock> locks_of(const Facts& facts) {
  std::vector<report::Lock> locks;
  for (const LockUse& use : lock_use(facts).locks) {
    if (locks.size() == kMostLocks) break;
    report::Lock& lock = locks.emplace_back();
    lock.number = use.lock;
    lock.acquisitions = use.acquisitions;
    lock.abandoned = use.abandoned;
    lock.wait = use.wait;
    lock.hold = use.hold;
    if (!use.longest) continue;
    const ThreadInfo& waiter = facts.info(use.longest->thread);
    lock.longest = report::LongestLockWait{.name = waiter.name(),
                                           .tid = raw(waiter.tid),
                                           .begin = use.longest->begin - facts.trace.begin(),
                                           .length = use.longest->end - use.longest->begin,
                                           .holders = {}};
    for (const LockHolder& holder : use.longest->holders) {
      if (lock.longest->holders.size() == kMostHolders) break;
      const ThreadInfo& info = facts.info(holder.thread);
      lock.longest->holders.push_back({.name = info.name(),
                                       .tid = raw(info.tid),
                                       .held = holder.held,
                                       .run = holder.running,
                                       .wait = holder.waiting,
                                       .blocked = holder.blocked});
    }
  }
  return locks;
}

const JudgeRow* judge_of(const Trace& trace) {
  if (trace.run().kind != RunKind::kWorkload || !trace.workload()) return nullptr;
  const auto rows = judges();
  const auto row = std::ranges::find(rows, trace.workload()->name, &JudgeRow::workload);
  return row == rows.end() ? nullptr : &*row;
}

}  // namespace

report::Summary summarise(const Facts& facts) {
  const Results results = analyse(facts);
  report::Summary summary{.run = run_of(facts.trace),
                          .host = host_of(facts.trace.host()),
                          .capture = capture_of(facts),
                          .totals = totals_of(results),
                          .waits = results.latency.all,
                          .threads = threads_of(facts, results),
                          .cpus = cpus_of(results),
                          .roles = roles_of(results),
                          .holders = holders_of(facts, results),
                          .locks = locks_of(facts),
                          .markers = count_markers(facts),
                          .self_checks = self_checks(facts, results.accounts)};
  summary.kernel_agreement = kernel_agreement(summary.self_checks);
  if (results.latency.worst) {
    summary.worst_waiter = facts.info(results.latency.worst->thread).name();
  }
  if (const auto lanes = user_tasks(facts); !lanes.empty()) {
    summary.user_tasks = user_tasks_summary(facts, lanes);
  }
  if (const JudgeRow* const row = judge_of(facts.trace)) {
    Judgement judgement = row->judge(facts, results.noise);
    summary.workload = std::move(judgement.workload);
    summary.findings = std::move(judgement.findings);
  } else {
    summary.findings.push_back(verdict_of(facts, results));
    if (facts.trace.workload()) {
      summary.workload.emplace().ground_truth = facts.trace.workload()->truth;
    }
  }
  std::ranges::move(findings(facts, results), std::back_inserter(summary.findings));
  return summary;
}

}  // namespace observe
