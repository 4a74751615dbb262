#include "analysis/timeline_walk.h"

namespace observe {

void TimelineWalk::on(const Switch& event) {
  const auto index = static_cast<std::uint32_t>(&event - trace_.all<Switch>().data());
  switch_out(event, index);
  switch_in(event, index);
}

void TimelineWalk::switch_out(const Switch& event, std::uint32_t index) {
  using Running = CpuState::Running;
  CpuState& cpu = cpu_state(event.cpu);
  // What a gap hides is unknown, not a contradiction.
  const bool gap = !lost_.empty() && lost_.first(event.cpu, cpu.since, event.at).has_value();
  const ThreadRef prev = event.prev_thread;
  if (cpu.running == Running::kThread) settle(cpu.thread, event.at);
  if (prev != kNoThread) settle(prev, event.at);

  const bool expected = prev == kNoThread
                            ? cpu.running == Running::kIdle || cpu.running == Running::kUnseen
                            : cpu.running == Running::kThread && cpu.thread == prev;
  if (cpu.running == Running::kUnseen && prev == kNoThread) cpu.running = Running::kIdle;
  if (!expected && !gap) {
    if (cpu.running == Running::kThread || cpu.running == Running::kIdle) {
      ++out_.quality.switch_mismatches;
    }
    if (cpu.running == Running::kThread) contradict(cpu.thread, event.at);
    cpu.running = Running::kUnknown;
    cpu.thread = kNoThread;
  }
  close_slice(event.cpu, event.at);
  cpu.running = Running::kUnknown;
  cpu.thread = kNoThread;
  cpu.since = event.at;

  if (prev == kNoThread || ignore(prev)) return;
  Thread& thread = at(prev);
  if (thread.life != Life::kAlive) {
    begin_life(prev, thread.life == Life::kForked ? thread.forked : event.at);
  } else if (!expected || thread.now.state != State::kRunning || thread.now.cpu != event.cpu) {
    contradict(prev, event.at);  // after a gap the CPU may believe in a thread that went on
  }
  thread.only_woken = false;
  close(prev, event.at, index);

  const SwitchCause cause = cause_of(event, locks_);
  if (in_window(event.at)) ++out_.threads[raw(prev)].switches[raw(cause)];
  switch (cause) {
    case SwitchCause::kExited:
      thread.life = Life::kDead;
      thread.life_end = event.at;
      return;
    case SwitchCause::kBlocked:
      open(prev, event.at, State::kBlocked, event.cpu);
      thread.now.raw_state = event.prev_state;
      thread.now.kernel_thread = event.kernel_thread;
      break;
    case SwitchCause::kPreempted:
    case SwitchCause::kYielded:
      open(prev, event.at, State::kWaiting, event.cpu);
      thread.now.cause =
          cause == SwitchCause::kYielded ? WaitCause::kYielded : WaitCause::kPreempted;
      break;
  }
  thread.now.syscall = event.syscall;
  thread.now.compat = event.compat;
  thread.now.begin_switch = index;

  // Its waker was faster than its own way to sleep: the sleep ends as it begins.
  if (cause == SwitchCause::kBlocked && thread.early) {
    const EarlyWaking early = *thread.early;
    thread.early.reset();
    if (lost_.first_anywhere(early.at, event.at)) return;
    close(prev, event.at);
    thread.now.state = State::kWakeDelay;
    thread.now.begin_switch = kNoEvent;
    thread.now.waker = early.waker;
    thread.now.wake_context = early.context;
    thread.delay_is_early = true;
    if (in_window(event.at)) ++out_.threads[raw(prev)].wakeups;
  }
}

void TimelineWalk::switch_in(const Switch& event, std::uint32_t index) {
  using Running = CpuState::Running;
  CpuState& cpu = cpu_state(event.cpu);
  const ThreadRef next = event.next_thread;
  if (next == kNoThread) {
    if (event.next == kIdleTid) cpu.running = Running::kIdle;
    return;
  }
  if (ignore(next)) return;
  settle(next, event.at);
  Thread& thread = at(next);
  if (thread.life == Life::kForked) {
    begin_life(next, thread.forked);
    open(next, thread.forked, State::kWaiting, thread.forked_on);
    thread.now.cause = WaitCause::kNew;
    ++out_.quality.runs_without_wakeup;
  } else if (thread.life == Life::kUnseen) {
    begin_life(next, event.at);
  } else if (thread.now.state == State::kRunning) {
    ++out_.quality.switch_mismatches;
    contradict(next, event.at);
  } else if (thread.now.state == State::kWakeDelay) {
    ++out_.quality.wakings_without_wakeup;
    resolve_missing_wakeup(next, event.at);
  } else if (thread.now.state == State::kBlocked) {
    ++out_.quality.runs_without_wakeup;
    resolve_missing_wakeup(next, event.at);
    if (thread.now.state == State::kBlocked) {  // a signal was pending: it never slept
      thread.now.state = State::kWaiting;
      thread.now.cause = WaitCause::kUnknown;
    }
  }
  thread.only_woken = false;
  close(next, event.at, index);
  open(next, event.at, State::kRunning, event.cpu);
  thread.now.begin_switch = index;
  cpu.running = Running::kThread;
  cpu.thread = next;
}

void TimelineWalk::on(const Waking& event) {
  if (ignore(event.thread)) return;
  const ThreadRef ref = event.thread;
  settle(ref, event.at);
  Thread& thread = at(ref);
  if (thread.life != Life::kAlive) {
    if (thread.life == Life::kForked) return;  // its first wake-up is sched_wakeup_new
    begin_life(ref, event.at);
    thread.only_woken = true;
  }
  const EarlyWaking waking{event.at, event.waker_thread, event.context};
  switch (thread.now.state) {
    case State::kRunning:
    case State::kWaiting:
      thread.early = waking;
      return;
    case State::kWakeDelay:
      if (!thread.delay_is_early) {
        ++out_.quality.spurious_wakeups;
        return;
      }
      // So the earlier waking had not ended this sleep.
      undo_early_waking(ref);
      ++out_.quality.wakings_without_wakeup;
      break;
    case State::kBlocked:
    case State::kUnknown:
      if (in_window(event.at)) ++out_.threads[raw(ref)].wakeups;
      break;
  }
  close(ref, event.at);
  open(ref, event.at, State::kWakeDelay, event.previous_cpu);
  thread.now.waker = waking.waker;
  thread.now.wake_context = waking.context;
}

// Makes the wake delay the sleep again that it had cut to nothing.
void TimelineWalk::undo_early_waking(ThreadRef ref) {
  Interval& now = at(ref).now;
  now.state = State::kBlocked;
  now.waker = kNoThread;
  now.wake_context = WakeContext::kUnknown;
  std::vector<Interval>& done = out_.threads[raw(ref)].intervals;
  if (!done.empty() && done.back().state == State::kBlocked && done.back().begin == now.begin) {
    now.begin_switch = done.back().begin_switch;
    done.pop_back();
  }
}

void TimelineWalk::on(const Wakeup& event) {
  if (ignore(event.thread)) return;
  const ThreadRef ref = event.thread;
  settle(ref, event.at);
  Thread& thread = at(ref);
  thread.early.reset();
  const bool unheard = thread.life != Life::kAlive;
  if (unheard) {
    begin_life(ref, thread.life == Life::kForked && !event.is_new ? thread.forked : event.at);
    thread.only_woken = true;
  }
  Interval waiting{.begin = event.at, .state = State::kWaiting, .cpu = event.target_cpu};
  waiting.cause = unheard && event.is_new ? WaitCause::kNew : WaitCause::kWoken;
  switch (thread.now.state) {
    case State::kRunning:
    case State::kWaiting:
      ++out_.quality.spurious_wakeups;
      return;
    case State::kWakeDelay:
      waiting.waker = thread.now.waker;
      waiting.wake_context = thread.now.wake_context;
      break;
    case State::kBlocked:
      ++out_.quality.wakeups_without_waking;
      resolve_missing_wakeup(ref, event.at);
      if (in_window(event.at)) ++out_.threads[raw(ref)].wakeups;
      break;
    case State::kUnknown:
      if (in_window(event.at) && waiting.cause == WaitCause::kWoken) {
        ++out_.threads[raw(ref)].wakeups;
      }
      break;
  }
  close(ref, event.at);
  thread.now = waiting;
  thread.delay_is_early = false;
}

void TimelineWalk::on(const Migrate& event) {
  if (ignore(event.thread)) return;
  const ThreadRef ref = event.thread;
  Thread& thread = at(ref);
  if (thread.life != Life::kAlive) {
    if (thread.life == Life::kForked) thread.forked_on = event.to;
    return;
  }
  settle(ref, event.at);
  if (in_window(event.at)) out_.threads[raw(ref)].migrations.push_back(event);
  Interval& now = thread.now;
  switch (now.state) {
    case State::kRunning:
      return;  // the kernel moves only threads that do not run; where it runs is known
    case State::kWaiting:
      if (now.cpu != event.to) {
        now.continues = true;
        close(ref, event.at);
        now.continues = false;
        now.continued = true;
        now.begin = event.at;
        now.cpu = event.to;
      }
      return;
    case State::kWakeDelay:
    case State::kBlocked:
    case State::kUnknown:
      now.cpu = event.to;
      return;
  }
}

void TimelineWalk::on(const Fork& event) {
  if (event.child_thread == kNoThread) return;
  Thread& child = at(event.child_thread);
  if (child.life != Life::kUnseen) return;
  child.life = Life::kForked;
  child.forked = event.at;
  child.forked_on = event.cpu;
}

}  // namespace observe
