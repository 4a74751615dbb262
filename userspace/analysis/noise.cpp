#include "analysis/noise.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "analysis/wording.h"

namespace observe {
namespace {

struct Phase {
  Time begin;
  Time end;
  Nanos inside(Time from, Time to) const {
    return std::max(Nanos{0}, std::min(to, end) - std::max(from, begin));
  }
};

Phase phase_of(const Trace& trace) {
  if (!trace.workload()) return {trace.begin(), trace.end()};
  const Time begin = std::max(trace.begin(), trace.workload()->phase_begin);
  const Time end = std::min(trace.end(), trace.workload()->phase_end);
  if (begin >= end) return {trace.begin(), trace.end()};
  return {begin, end};
}

bool is_observer(const Facts& facts, const ThreadInfo& info) {
  return raw(facts.trace.run().observer_process) != 0 &&
         info.process == facts.trace.run().observer_process;
}

void measure_foreigners(const Facts& facts, const WaitStretches& waits, const Phase& phase,
                        Noise& noise) {
  Nanos own{};
  facts.for_each_thread([&](ThreadRef, const ThreadInfo& info, const ThreadTimeline& timeline) {
    if (!info.target) return;
    for (const Interval& interval : timeline.intervals) {
      if (interval.state == State::kRunning) own += phase.inside(interval.begin, interval.end);
    }
    noise.migrations += static_cast<std::uint64_t>(std::ranges::count_if(
        timeline.migrations,
        [&](const Migrate& move) { return phase.begin <= move.at && move.at < phase.end; }));
  });

  Nanos foreign{};
  Nanos observer{};
  std::vector<Nanos> by_thread(facts.timelines.threads.size());
  for_each_held(facts, waits, [&](const CpuSlice& slice, Time begin, Time end, std::size_t) {
    if (!slice.known || slice.thread == kNoThread) return;
    const ThreadInfo& info = facts.info(slice.thread);
    if (info.target) return;
    const Nanos taken = phase.inside(begin, end);
    if (is_observer(facts, info)) {
      observer += taken;
      return;
    }
    foreign += taken;
    by_thread[raw(slice.thread)] += taken;
  });
  const Nanos wanted = own + foreign + observer;
  noise.foreign_share = wording::share(foreign, wanted);
  noise.observer_share = wording::share(observer, wanted);
  std::set<std::string_view> ours;
  facts.for_each_thread([&](ThreadRef, const ThreadInfo& info, const ThreadTimeline&) {
    if (info.target) ours.insert(info.name());
  });
  std::map<std::string, Nanos> by_name;
  for (std::uint32_t i = 0; i < by_thread.size(); ++i) {
    if (by_thread[i] <= Nanos{0}) continue;
    const ThreadInfo& info = facts.info(ThreadRef{i});
    by_name[ours.contains(info.name())
                ? fmt::format("{} of process {}", info.name(), raw(info.process))
                : info.name()] += by_thread[i];
  }
  for (const auto& [name, time] : by_name) {
    if (time <= noise.worst_foreigner_time) continue;
    noise.worst_foreigner = name;
    noise.worst_foreigner_time = time;
  }
}

// Growth of a counter; one that went backwards (a CPU went offline and came back) says nothing.
Nanos growth(std::uint64_t before, std::uint64_t after) {
  return after > before ? Nanos{static_cast<std::int64_t>(after - before)} : Nanos{0};
}

void measure_host(const Facts& facts, Noise& noise) {
  const HostSample& before = facts.trace.capture().before;
  const HostSample& after = facts.trace.capture().after;
  const Nanos between = after.at - before.at;
  if (between <= Nanos{0}) return;
  noise.throttled_share = wording::share(growth(before.throttled_ns, after.throttled_ns), between);

  std::vector<bool> used(facts.timelines.cpus.size());
  facts.for_each_thread([&](ThreadRef, const ThreadInfo& info, const ThreadTimeline& timeline) {
    if (!info.target) return;
    for (const Interval& interval : timeline.intervals) {
      if (interval.state == State::kRunning) used[raw(interval.cpu)] = true;
    }
  });
  const std::size_t cpus =
      std::min({before.steal_ns_by_cpu.size(), after.steal_ns_by_cpu.size(), used.size()});
  Nanos stolen{};
  std::int64_t count = 0;
  for (std::size_t cpu = 0; cpu < cpus; ++cpu) {
    if (!used[cpu]) continue;
    stolen += growth(before.steal_ns_by_cpu[cpu], after.steal_ns_by_cpu[cpu]);
    ++count;
  }
  if (count > 0) noise.steal_share = wording::share(stolen, between * count);
}

double calibration_error(const Trace& trace) {
  if (!trace.workload()) return 0;
  const auto found = trace.workload()->truth.find("calibration_error");
  if (found == trace.workload()->truth.end()) return 0;
  const double* const error = std::get_if<double>(&found->second);
  return error != nullptr ? std::abs(*error) : 0;
}

}  // namespace

Noise measure_noise(const Facts& facts) { return measure_noise(facts, waiting_targets(facts)); }

Noise measure_noise(const Facts& facts, const WaitStretches& waits) {
  Noise noise;
  measure_foreigners(facts, waits, phase_of(facts.trace), noise);
  measure_host(facts, noise);
  noise.lost_events = facts.trace.quality().lost_events;
  noise.calibration_error = calibration_error(facts.trace);

  using wording::percent;
  if (noise.foreign_share > noise_limits::kForeignShare) {
    noise.causes.push_back(fmt::format("other threads took {} of the CPU time wanted, above all {}",
                                       percent(noise.foreign_share), noise.worst_foreigner));
  }
  if (noise.steal_share > noise_limits::kStealShare) {
    noise.causes.push_back(
        fmt::format("the hypervisor took {} of the CPU time (steal)", percent(noise.steal_share)));
  }
  if (noise.throttled_share > noise_limits::kThrottledShare) {
    noise.causes.push_back(fmt::format("a cgroup CPU quota stopped threads for {} of the time",
                                       percent(noise.throttled_share)));
  }
  if (noise.lost_events > 0) {
    noise.causes.push_back(wording::count(noise.lost_events, "event") + " lost");
  }
  // Written so that an error that is not a number counts as too large.
  if (!(noise.calibration_error <= noise_limits::kCalibrationError)) {
    noise.causes.push_back(fmt::format("the work unit took {} more or less than calibrated",
                                       percent(noise.calibration_error)));
  }
  return noise;
}

}  // namespace observe
