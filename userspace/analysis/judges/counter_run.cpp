#include "analysis/judges/counter_run.h"

#include <cmath>
#include <set>

#include "analysis/judges/workload_run.h"
#include "analysis/overlap.h"

namespace observe {
namespace {

constexpr Syscall kFutexCall{202};

template <class T>
std::optional<T> fact(const WorkloadInfo& info, std::string_view name) {
  return fact_of<T>(info.truth, name);
}

double positive(const WorkloadInfo& info, std::string_view name) {
  const double value = fact<double>(info, name).value_or(0);
  return std::isfinite(value) && value > 0 ? value : 0;
}

CounterNature nature_of(std::string_view lock) {
  if (lock == "none" || lock == "plain" || lock == "relaxed") return CounterNature::kRace;
  return lock == "incmem" ? CounterNature::kOneInstruction : CounterNature::kCorrect;
}

void find_threads(const Facts& facts, const WorkloadInfo& info, CounterRun& run) {
  run.all_threads_found = !info.threads.empty();
  for (const WorkloadThread& told : info.threads) {
    const ThreadRef ref = thread_of(facts, told);
    if (ref == kNoThread || told.end < told.begin) {
      run.all_threads_found = false;
      return;
    }
    run.threads.push_back({.ref = ref, .begin = told.begin, .end = told.end});
  }
}

void walk_timelines(const Facts& facts, CounterRun& run) {
  const SleepingLocks locks = sleeping_locks(facts.trace.host());
  std::set<Cpu> cpus;
  Overlap overlap;
  const auto switches = facts.trace.all<Switch>();
  for (const CounterThread& thread : run.threads) {
    bool left_in_futex = false;
    for (const Interval& interval : facts.timeline(thread.ref).intervals) {
      if (interval.state == State::kRunning) {
        left_in_futex =
            interval.end_switch != kNoEvent && switches[interval.end_switch].syscall == kFutexCall;
      }
      const Time begin = std::max(interval.begin, thread.begin);
      const Time end = std::min(interval.end, thread.end);
      if (begin >= end) continue;
      if (interval.state == State::kRunning) {
        cpus.insert(interval.cpu);
        overlap.add(begin, end);
      } else if (interval.state == State::kUnknown) {
        run.unknown += end - begin;
      } else if (interval.state == State::kBlocked
                     ? interval.syscall == kFutexCall
                     : interval.state == State::kWakeDelay && left_in_futex) {
        run.off_in_futex += end - begin;
      }
      if (interval.end_switch == kNoEvent || interval.end > thread.end) continue;
      if (interval.state != State::kRunning) continue;
      const auto cause = cause_of(switches[interval.end_switch], locks);
      if (cause == SwitchCause::kPreempted) ++run.preempted;
      if (cause == SwitchCause::kBlocked) ++run.blocked;
    }
  }
  run.one_cpu = cpus.size() == 1;
  overlap.for_each_stretch([&](Time begin, Time end, std::size_t depth) {
    if (depth >= 2) run.together += end - begin;
  });
}

std::optional<CodeWindow> code_window(const WorkloadInfo& info) {
  const auto load = fact<std::int64_t>(info, "rmw_load");
  const auto begin = fact<std::int64_t>(info, "rmw_begin");
  const auto end = fact<std::int64_t>(info, "rmw_end");
  if (!load || !begin || !end || *load > *begin || *begin >= *end) return std::nullopt;
  return CodeWindow{.load = static_cast<std::uint64_t>(*load),
                    .begin = static_cast<std::uint64_t>(*begin),
                    .end = static_cast<std::uint64_t>(*end)};
}

}  // namespace

double CounterRun::lost_share() const {
  return static_cast<double>(lost()) / static_cast<double>(expected);
}

std::optional<CounterRun> read_counter_run(const Facts& facts) {
  if (!facts.trace.workload()) return std::nullopt;
  const WorkloadInfo& info = *facts.trace.workload();
  const auto lock = fact<std::string>(info, "lock");
  const auto expected = fact<std::int64_t>(info, "expected");
  const auto observed = fact<std::int64_t>(info, "observed");
  if (!lock || !expected || !observed || *expected <= 0 || *observed < 0) return std::nullopt;

  CounterRun run;
  run.lock = *lock;
  run.nature = nature_of(*lock);
  run.expected = *expected;
  run.observed = *observed;
  const auto ledger = fact<std::int64_t>(info, "ledger_sum");
  run.has_ledger = ledger.has_value();
  run.ledger_sum = ledger.value_or(0);
  run.stale_stores = fact<std::int64_t>(info, "stale_stores").value_or(0);
  run.restarts = fact<std::int64_t>(info, "restarts").value_or(0);
  run.cpu_ns_per_op = positive(info, "cpu_ns_per_op");
  run.ns_per_op = positive(info, "ns_per_op");
  run.none_cpu_ns_per_op = positive(info, "none_cpu_ns_per_op");
  run.none_error = positive(info, "none_error");
  run.bare = fact<std::int64_t>(info, "window") == 0 && fact<std::int64_t>(info, "gap") == 0;
  run.unlocked_cpu_ns_per_op = positive(info, "unlocked_cpu_ns_per_op");
  run.unlocked_error = positive(info, "unlocked_error");
  run.window = code_window(info);
  find_threads(facts, info, run);
  if (run.all_threads_found) walk_timelines(facts, run);
  return run;
}

}  // namespace observe
