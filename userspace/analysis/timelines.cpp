#include "analysis/timelines.h"

#include <algorithm>

#include "analysis/timeline_walk.h"
#include "trace/task_state.h"

namespace observe {
namespace {

std::size_t cpu_count(const Trace& trace) {
  std::size_t count = 0;
  const auto seen = [&count](Cpu cpu) { count = std::max(count, std::size_t{raw(cpu)} + 1); };
  for (const CpuTopology& cpu : trace.host().topology) seen(cpu.cpu);
  for (const ThreadInfo& thread : trace.threads().all()) {
    if (thread.first) seen(thread.first->cpu);
  }
  for (const LostInterval& lost : trace.quality().lost) seen(lost.cpu);
  for (const Switch& event : trace.all<Switch>()) seen(event.cpu);
  return count;
}

// An event ends at most one interval of a thread: room for all of them, found before the walk,
// saves moving them while they grow.
std::vector<std::uint32_t> events_by_thread(const Trace& trace) {
  std::vector<std::uint32_t> count(trace.threads().size());
  const auto seen = [&count](ThreadRef ref) {
    if (ref != kNoThread) ++count[raw(ref)];
  };
  for (const Switch& event : trace.all<Switch>()) {
    seen(event.prev_thread);
    seen(event.next_thread);
  }
  for (const Waking& event : trace.all<Waking>()) seen(event.thread);
  for (const Wakeup& event : trace.all<Wakeup>()) seen(event.thread);
  for (const Migrate& event : trace.all<Migrate>()) seen(event.thread);
  return count;
}

}  // namespace

Timelines build_timelines(const Trace& trace) { return TimelineWalk(trace).run(); }

TimelineWalk::TimelineWalk(const Trace& trace)
    : trace_(trace),
      begin_(trace.begin()),
      end_(std::max(trace.begin(), trace.end())),
      lost_(trace.quality().lost),
      locks_(sleeping_locks(trace.host())),
      runs_missed_(trace.quality().missed_probe_runs > 0),
      threads_(trace.threads().size()),
      cpus_(cpu_count(trace)) {
  out_.threads.resize(threads_.size());
  const std::vector<std::uint32_t> events = events_by_thread(trace);
  for (std::size_t i = 0; i < events.size(); ++i) {
    out_.threads[i].intervals.reserve(std::size_t{events[i]} + 1);
  }
  out_.cpus.resize(cpus_.size());
  for (std::size_t i = 0; i < cpus_.size(); ++i) {
    out_.cpus[i].cpu = Cpu{static_cast<std::uint16_t>(i)};
    cpus_[i].since = begin_;
  }
  for (std::uint32_t i = 0; i < threads_.size(); ++i) {
    if (trace.threads()[ThreadRef{i}].first) seeds_.push_back(ThreadRef{i});
  }
  std::ranges::stable_sort(seeds_, {},
                           [&](ThreadRef ref) { return trace.threads()[ref].first->at; });
}

Timelines TimelineWalk::run() && {
  trace_.for_each([this](const auto& event) {
    if (event.at >= end_) return;
    apply_seeds_before(event.at);
    on(event);
  });
  finish();
  return std::move(out_);
}

void TimelineWalk::apply_seeds_before(Time until) {
  while (next_seed_ < seeds_.size()) {
    const ThreadRef ref = seeds_[next_seed_];
    const ThreadSeed& seed = *trace_.threads()[ref].first;
    if (seed.at >= until) return;
    apply_seed(ref, seed);
    ++next_seed_;
  }
}

// Events win over the seed: its fields are read a moment before its time stamp.
void TimelineWalk::apply_seed(ThreadRef ref, const ThreadSeed& seed) {
  Thread& thread = at(ref);
  const bool dead = is_dead(seed.state) && !seed.on_cpu;
  const bool unborn = has_bits(seed.state, task_bits::kNew);
  if (thread.life == Life::kUnseen && dead) {
    thread.life = Life::kDead;  // a zombie: its life ended before the window
    thread.life_begin = thread.life_end = begin_;
    return;
  }
  const bool unheard = thread.life == Life::kUnseen && !unborn;
  if (!unheard && !(thread.life == Life::kAlive && thread.only_woken && seed.on_cpu)) return;
  if (unheard) {
    begin_life(ref, std::min(seed.at, begin_));
  }
  thread.only_woken = false;
  close(ref, seed.at);
  if (seed.on_cpu) {
    CpuState& cpu = cpu_state(seed.cpu);
    if (cpu.running == CpuState::Running::kUnseen) {
      cpu = {.running = CpuState::Running::kThread, .thread = ref, .since = seed.at};
      if (seed.at > begin_) push_slice(seed.cpu, begin_, seed.at, kNoThread, false);
      open(ref, seed.at, State::kRunning, seed.cpu);
    } else {  // its own events show who runs there
      open(ref, seed.at, State::kUnknown, seed.cpu);
    }
  } else if (has_bits(seed.state, task_bits::kWaking)) {
    open(ref, seed.at, State::kWakeDelay, seed.cpu);
  } else if ((seed.queued && !seed.delayed) || is_runnable(seed.state)) {
    open(ref, seed.at, State::kWaiting, seed.cpu);
  } else {
    open(ref, seed.at, State::kBlocked, seed.cpu);
    thread.now.syscall = seed.syscall;
    thread.now.compat = seed.compat;
    thread.now.kernel_thread = seed.kernel_thread;
    thread.now.raw_state = seed.state;
  }
}

void TimelineWalk::begin_life(ThreadRef ref, Time from) {
  Thread& thread = at(ref);
  thread.life = Life::kAlive;
  thread.life_begin = from;
  open(ref, from, State::kUnknown, Cpu{});
}

void TimelineWalk::open(ThreadRef ref, Time from, State state, Cpu cpu) {
  Thread& thread = at(ref);
  thread.now = Interval{.begin = from, .state = state, .cpu = cpu};
  thread.delay_is_early = false;
}

void TimelineWalk::close(ThreadRef ref, Time until, std::uint32_t end_switch) {
  Interval& done = at(ref).now;
  done.end = until;
  done.end_switch = end_switch;
  push(ref, done);
}

void TimelineWalk::push(ThreadRef ref, const Interval& interval) {
  if (interval.end <= begin_ || interval.begin >= end_) return;
  std::vector<Interval>& intervals = out_.threads[raw(ref)].intervals;
  if (interval.state == State::kUnknown || interval.state == State::kWakeDelay) {
    if (interval.begin == interval.end) return;
    if (interval.state == State::kUnknown && interval.begin_switch == kNoEvent &&
        !intervals.empty() && intervals.back().state == State::kUnknown) {
      intervals.back().end = std::min(interval.end, end_);
      intervals.back().clipped_end = interval.end > end_;
      return;
    }
  }
  Interval& kept = intervals.emplace_back(interval);
  kept.clipped_begin = interval.begin < begin_;
  kept.clipped_end = interval.clipped_end || interval.end > end_;
  kept.begin = std::max(interval.begin, begin_);
  kept.end = std::min(interval.end, end_);
}

void TimelineWalk::become_unknown(Thread& thread, ThreadRef ref, Time from) {
  if (from > thread.now.begin) {
    close(ref, from);
    open(ref, from, State::kUnknown, thread.now.cpu);
  } else {  // the switch that began it stays known
    const std::uint32_t begin_switch = thread.now.begin_switch;
    open(ref, thread.now.begin, State::kUnknown, thread.now.cpu);
    thread.now.begin_switch = begin_switch;
  }
}

void TimelineWalk::settle(ThreadRef ref, Time until) {
  if (lost_.empty()) return;
  Thread& thread = at(ref);
  if (thread.life != Life::kAlive) return;
  if (thread.now.state != State::kRunning && thread.now.state != State::kWaiting) return;
  if (const auto gap = lost_.first(thread.now.cpu, thread.now.begin, until)) {
    become_unknown(thread, ref, *gap);
  }
}

bool TimelineWalk::runs_on(ThreadRef ref, Cpu cpu) const {
  const CpuState& state = cpus_[raw(cpu)];
  return state.running == CpuState::Running::kThread && state.thread == ref;
}

void TimelineWalk::contradict(ThreadRef ref, Time until) {
  Thread& thread = at(ref);
  if (thread.now.state == State::kUnknown) return;
  if (thread.now.state == State::kRunning) {
    if (runs_on(ref, thread.now.cpu)) {
      CpuState& cpu = cpu_state(thread.now.cpu);
      cpu.running = CpuState::Running::kUnknown;
      cpu.thread = kNoThread;
    }
    become_unknown(thread, ref, thread.now.begin);
    return;
  }
  become_unknown(thread, ref,
                 lost_.first_anywhere(thread.now.begin, until).value_or(thread.now.begin));
}

// The thread leaves its sleep without the event that should have ended it.
void TimelineWalk::resolve_missing_wakeup(ThreadRef ref, Time until) {
  Thread& thread = at(ref);
  if (const auto gap = lost_.first_anywhere(thread.now.begin, until)) {
    become_unknown(thread, ref, *gap);
  } else if (runs_missed_) {
    become_unknown(thread, ref, thread.now.begin);
  }
}

bool TimelineWalk::ignore(ThreadRef ref) {
  if (ref == kNoThread) return true;
  if (at(ref).life != Life::kDead) return false;
  ++out_.quality.events_of_the_dead;
  return true;
}

void TimelineWalk::push_slice(Cpu cpu, Time from, Time to, ThreadRef thread, bool known) {
  const Time begin = std::max(from, begin_);
  const Time end = std::min(to, end_);
  if (begin >= end) return;
  std::vector<CpuSlice>& slices = out_.cpus[raw(cpu)].slices;
  if (!slices.empty() && slices.back().thread == thread && slices.back().known == known) {
    slices.back().end = end;
  } else {
    slices.push_back({begin, end, thread, known});
  }
}

void TimelineWalk::close_slice(Cpu cpu, Time until) {
  const CpuState& state = cpu_state(cpu);
  const bool known =
      state.running == CpuState::Running::kIdle || state.running == CpuState::Running::kThread;
  Time known_until = known ? until : state.since;
  if (known && !lost_.empty()) {
    known_until = lost_.first(cpu, state.since, until).value_or(until);
  }
  push_slice(cpu, state.since, known_until, state.thread, true);
  push_slice(cpu, known_until, until, kNoThread, false);
}

void TimelineWalk::finish() {
  apply_seeds_before(end_);
  const bool last_seeds = std::ranges::any_of(trace_.threads().all(),
                                              [](const auto& one) { return one.last.has_value(); });
  for (std::uint32_t i = 0; i < threads_.size(); ++i) {
    const ThreadRef ref{i};
    Thread& thread = threads_[i];
    ThreadTimeline& timeline = out_.threads[i];
    if (thread.life == Life::kAlive) {
      settle(ref, end_);
      const ThreadInfo& info = trace_.threads()[ref];
      // It exited and is gone at the end: its last switch-out was lost, and with it its end.
      const bool vanished =
          info.exiting && last_seeds && !info.last && thread.now.state == State::kUnknown;
      thread.life_end = vanished ? std::max(thread.now.begin, begin_) : end_;
      if (!vanished) {
        thread.now.clipped_end = true;
        close(ref, end_);
      }
    }
    const bool lived = thread.life == Life::kAlive || thread.life == Life::kDead;
    timeline.begin = lived ? std::clamp(thread.life_begin, begin_, end_) : begin_;
    timeline.end = lived ? std::clamp(thread.life_end, timeline.begin, end_) : begin_;
    if (!timeline.lived()) timeline.intervals.clear();
  }
  for (std::size_t i = 0; i < cpus_.size(); ++i) {
    CpuState& state = cpus_[i];
    const Cpu cpu = out_.cpus[i].cpu;
    if (state.running == CpuState::Running::kUnseen) {
      const auto& topology = trace_.host().topology;
      const bool online = std::ranges::any_of(
          topology, [cpu](const CpuTopology& one) { return one.cpu == cpu && one.online; });
      if (!online) continue;
      // Every thread was seeded and none runs here; nor was anything ever switched in.
      state.running = seeds_.empty() ? CpuState::Running::kUnknown : CpuState::Running::kIdle;
    }
    close_slice(cpu, end_);
  }
}

}  // namespace observe
