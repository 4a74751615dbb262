#include "analysis/judges/workload_run.h"

#include <algorithm>
#include <numeric>

#include "analysis/overlap.h"

namespace observe {
namespace {

void insert_sorted(std::vector<Cpu>& cpus, Cpu cpu) {
  const auto at = std::ranges::lower_bound(cpus, cpu);
  if (at == cpus.end() || *at != cpu) cpus.insert(at, cpu);
}

}  // namespace

std::optional<double> number_of(const std::map<std::string, Fact>& truth, std::string_view name) {
  if (const auto whole = fact_of<std::int64_t>(truth, name)) return static_cast<double>(*whole);
  const auto real = fact_of<double>(truth, name);
  return real && std::isfinite(*real) ? real : std::nullopt;
}

ThreadRef thread_of(const Facts& facts, const WorkloadThread& told) {
  ThreadRef found = kNoThread;
  facts.for_each_thread([&](ThreadRef ref, const ThreadInfo& info, const ThreadTimeline& timeline) {
    if (info.tid == told.tid && timeline.within(told.begin)) found = ref;
  });
  return found;
}

Conduct conduct_of(const Facts& facts, ThreadRef thread, Time begin, Time end) {
  Conduct conduct;
  const SleepingLocks locks = sleeping_locks(facts.trace.host());
  const ThreadTimeline& timeline = facts.timeline(thread);
  for (const Interval& interval : timeline.intervals) {
    const Time from = std::max(interval.begin, begin);
    const Time to = std::min(interval.end, end);
    if (from < to) {
      conduct.by_state[raw(interval.state)] += to - from;
      if (interval.state == State::kRunning) insert_sorted(conduct.cpus, interval.cpu);
    }
    if (interval.state != State::kRunning || interval.end_switch == kNoEvent) continue;
    if (interval.end < begin || interval.end > end) continue;
    const SwitchCause cause = cause_of(facts.trace.all<Switch>()[interval.end_switch], locks);
    ++conduct.switches[raw(cause)];
    if (interval.begin < begin || interval.clipped_begin) continue;
    conduct.slices.push_back(
        {.begin = interval.begin, .end = interval.end, .cpu = interval.cpu, .ended_by = cause});
  }
  for_each_wait(thread, timeline, [&](const Wait& wait) {
    if (wait.clipped || wait.begin < begin || wait.end > end) return;
    if (wait.cause == WaitCause::kWoken) ++conduct.wakeups;
    conduct.waits.push_back(wait);
  });
  conduct.migrations = static_cast<std::uint64_t>(std::ranges::count_if(
      timeline.migrations, [&](const Migrate& move) { return begin <= move.at && move.at < end; }));
  return conduct;
}

Nanos time_together(const Facts& facts, const std::vector<Actor>& actors, Time begin, Time end) {
  Overlap overlap;
  for (const Actor& actor : actors) {
    for (const Interval& interval : facts.timeline(actor.thread).intervals) {
      if (interval.state != State::kRunning) continue;
      overlap.add(std::max({interval.begin, begin, actor.begin}),
                  std::min({interval.end, end, actor.end}));
    }
  }
  Nanos together{};
  overlap.for_each_stretch([&](Time from, Time to, std::size_t depth) {
    if (depth >= 2) together += to - from;
  });
  return together;
}

std::optional<WorkloadRun> WorkloadRun::read(const Facts& facts) {
  const auto& info = facts.trace.workload();
  if (!info || info->threads.empty() || info->phase_end < info->phase_begin) return std::nullopt;
  WorkloadRun run;
  run.truth_ = &info->truth;
  run.begin_ = info->phase_begin;
  run.end_ = info->phase_end;
  for (std::size_t lane = 0; lane < info->threads.size(); ++lane) {
    const WorkloadThread& told = info->threads[lane];
    const ThreadRef ref = thread_of(facts, told);
    if (ref == kNoThread || told.end < told.begin) return std::nullopt;
    run.actors_.push_back({.thread = ref,
                           .lane = static_cast<std::uint16_t>(lane),
                           .begin = told.begin,
                           .end = told.end,
                           .role = told.role,
                           .truth = &told.truth,
                           .conduct = conduct_of(facts, ref, told.begin, told.end)});
  }
  return run;
}

std::vector<const Actor*> WorkloadRun::actors(std::string_view role) const {
  std::vector<const Actor*> chosen;
  for (const Actor& actor : actors_) {
    if (actor.role == role) chosen.push_back(&actor);
  }
  return chosen;
}

std::uint64_t WorkloadRun::switches_by(SwitchCause cause) const {
  std::uint64_t sum = 0;
  for (const Actor& actor : actors_) sum += actor.conduct.switches_by(cause);
  return sum;
}

Nanos WorkloadRun::in(State state) const {
  Nanos sum{};
  for (const Actor& actor : actors_) sum += actor.conduct.in(state);
  return sum;
}

std::uint64_t WorkloadRun::migrations() const {
  std::uint64_t sum = 0;
  for (const Actor& actor : actors_) sum += actor.conduct.migrations;
  return sum;
}

std::vector<Cpu> WorkloadRun::cpus() const {
  std::vector<Cpu> all;
  for (const Actor& actor : actors_) {
    for (const Cpu cpu : actor.conduct.cpus) insert_sorted(all, cpu);
  }
  return all;
}

std::vector<Marker> markers_of(const Facts& facts, const Actor& actor,
                               std::optional<MarkerKind> kind) {
  std::vector<Marker> markers;
  for (const Marker& marker : facts.trace.all<Marker>()) {
    if (marker.lane != actor.lane) continue;
    if (!kind || marker.kind == raw(*kind)) markers.push_back(marker);
  }
  return markers;
}

double quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const double rank = std::ceil(share * static_cast<double>(values.size()));
  const auto at = static_cast<std::size_t>(std::max(rank, 1.0)) - 1;
  return values[std::min(at, values.size() - 1)];
}

double mean(const std::vector<double>& values) {
  if (values.empty()) return 0;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace observe
