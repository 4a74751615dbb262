#include "analysis/judges/lost_updates.h"

#include <algorithm>
#include <chrono>

namespace observe {
namespace {

struct Work {
  Time begin;
  Time end;
};

// When the thread was on a CPU within its phase, or may have been, by time.
std::vector<Work> work_of(const Facts& facts, const CounterThread& thread) {
  std::vector<Work> work;
  for (const Interval& interval : facts.timeline(thread.ref).intervals) {
    if (interval.state != State::kRunning && interval.state != State::kUnknown) continue;
    const Time begin = std::max(interval.begin, thread.begin);
    const Time end = std::min(interval.end, thread.end);
    if (begin < end) work.push_back({begin, end});
  }
  return work;
}

bool worked_between(const std::vector<Work>& work, Time from, Time to) {
  const auto first = std::ranges::upper_bound(work, from, {}, &Work::end);
  return first != work.end() && first->begin < to;
}

Absence absence_after(const Switch& event, std::size_t position, const CodeWindow& window,
                      SleepingLocks locks) {
  // Within a system call the instruction pointer is where user mode will go on.
  const bool in_user_mode = event.syscall == kNoSyscall && !event.kernel_thread;
  return {.thread = position,
          .out = event.at,
          .user_ip = event.user_ip,
          .cause = cause_of(event, locks),
          .in_sequence = in_user_mode && event.user_ip >= window.load && event.user_ip < window.end,
          .in_window = in_user_mode && window.holds(event.user_ip)};
}

void add_absences(const Facts& facts, std::span<const CounterThread> threads, std::size_t position,
                  const CodeWindow& window, std::vector<Absence>& absences) {
  const CounterThread& thread = threads[position];
  const ThreadTimeline& timeline = facts.timeline(thread.ref);
  const auto switches = facts.trace.all<Switch>();
  const SleepingLocks locks = sleeping_locks(facts.trace.host());
  const std::size_t first = absences.size();
  bool away = false;
  bool returned = false;  // or may have
  const auto come_back = [&](Time at, bool certain) {
    if (!away) return;
    if (!returned) absences.back().in = at;
    returned = true;
    if (!certain) return;
    absences.back().in_at_last = at;
    away = false;
  };
  const auto leave = [&](std::uint32_t index, Time at) {
    if (index >= switches.size()) return;  // kNoEvent: no switch
    const Switch& event = switches[index];
    if (event.prev_thread != thread.ref || event.at != at) return;
    if (at < thread.begin || at > thread.end) return;
    if (absences.size() > first && absences.back().out == at) return;
    come_back(at, true);  // at the latest: its return was not recorded
    absences.push_back(absence_after(event, position, window, locks));
    away = true;
    returned = false;
  };
  for (const Interval& interval : timeline.intervals) {
    if (interval.state == State::kRunning) {
      come_back(interval.begin, true);
      leave(interval.end_switch, interval.end);
    } else {
      leave(interval.begin_switch, interval.begin);
      if (interval.state == State::kUnknown) come_back(interval.begin, false);
    }
  }
  come_back(timeline.end, true);
}

void find_rivals(std::span<const std::vector<Work>> work, std::vector<Absence>& absences) {
  for (Absence& absence : absences) {
    for (std::size_t rival = 0; rival < work.size() && !absence.rival_ran; ++rival) {
      if (rival == absence.thread) continue;
      absence.rival_ran = worked_between(work[rival], absence.out, absence.in_at_last);
    }
  }
}

std::vector<StaleStore> stale_stores(const Facts& facts, std::span<const CounterThread> threads) {
  std::vector<StaleStore> stores;
  for (const Marker& marker : facts.trace.all<Marker>()) {
    if (marker.kind != static_cast<std::uint16_t>(MarkerKind::kLostUpdate)) continue;
    if (marker.lane >= threads.size()) continue;
    const CounterThread& thread = threads[marker.lane];
    if (marker.at < thread.begin || marker.at > thread.end) continue;
    const std::uint64_t overwritten = marker.b >> kLostUpdateTagBits;
    const std::uint64_t loaded = marker.a >> kLostUpdateTagBits;
    stores.push_back({.thread = marker.lane,
                      .at = marker.at,
                      .thrown_away = static_cast<std::int64_t>(overwritten) -
                                     static_cast<std::int64_t>(loaded)});
  }
  // The events came in time order, which each thread's stores keep.
  std::ranges::stable_sort(stores, {}, &StaleStore::thread);
  return stores;
}

// An interrupt may take the CPU away several times before the thread is back in user mode; what the
// kernel does in between takes well below a millisecond, and a time slice longer.
bool may_be_one_visit(const Absence& before, const Absence& absence) {
  return before.thread == absence.thread && before.in_sequence &&
         before.user_ip == absence.user_ip &&
         absence.out - before.in < std::chrono::milliseconds(1);
}

void match(LostUpdates& found) {
  for (StaleStore& store : found.stores) {
    const auto of_thread =
        std::ranges::equal_range(found.absences, store.thread, {}, &Absence::thread);
    auto absence = std::ranges::upper_bound(of_thread, store.at, {}, &Absence::in);
    while (absence != of_thread.begin()) {
      --absence;
      if (!absence->in_window || absence->explains) break;
      if (!absence->rival_ran) continue;
      absence->explains = true;
      store.absence = static_cast<std::size_t>(absence - found.absences.begin());
      ++found.matched;
      break;
    }
  }
}

}  // namespace

LostUpdates match_lost_updates(const Facts& facts, std::span<const CounterThread> threads,
                               const CodeWindow& window) {
  LostUpdates found;
  std::vector<std::vector<Work>> work;
  for (std::size_t position = 0; position < threads.size(); ++position) {
    add_absences(facts, threads, position, window, found.absences);
    work.push_back(work_of(facts, threads[position]));
  }
  find_rivals(work, found.absences);
  found.stores = stale_stores(facts, threads);
  match(found);
  const Absence* before = nullptr;
  for (const Absence& absence : found.absences) {
    if (absence.in_sequence) {
      ++found.in_sequence;
      if (before != nullptr && may_be_one_visit(*before, absence)) ++found.repeated;
    }
    before = &absence;
    if (!absence.rival_ran) continue;
    if (absence.cause == SwitchCause::kPreempted) ++found.preemptions;
    if (absence.in_window) ++found.in_window;
  }
  return found;
}

}  // namespace observe
