#include "analysis/lock_use.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "analysis/percentiles.h"

namespace observe {
namespace {

struct Hold {
  ThreadRef thread = kNoThread;
  Time begin;
  Time end;
};

struct Wanting {
  std::uint64_t lock = 0;
  Time since;
};

// What is known of one lock while the markers are read.
struct Lock {
  std::vector<Hold> holders;  // now; the end is not known yet
  std::vector<Hold> past;
  std::uint64_t acquisitions = 0;
  std::uint64_t abandoned = 0;
  Lengths waits;
  Lengths holds;
  Nanos waited{};
  std::optional<LockWait> longest;
};

LockHolder conduct_of_holder(const Facts& facts, const Hold& hold, const LockWait& wait) {
  const Time begin = std::max(hold.begin, wait.begin);
  const Time end = std::min(hold.end, wait.end);
  LockHolder holder{.thread = hold.thread, .held = end - begin};
  const auto& intervals = facts.timeline(hold.thread).intervals;
  auto interval = std::ranges::upper_bound(intervals, begin, {}, &Interval::end);
  for (; interval != intervals.end() && interval->begin < end; ++interval) {
    const Nanos part = std::min(interval->end, end) - std::max(interval->begin, begin);
    switch (interval->state) {
      case State::kRunning:
        holder.running += part;
        break;
      case State::kWaiting:
      case State::kWakeDelay:
        holder.waiting += part;
        break;
      case State::kBlocked:
        holder.blocked += part;
        break;
      case State::kUnknown:
        break;
    }
  }
  return holder;
}

class Reading {
 public:
  explicit Reading(const Facts& facts) : facts_(facts) {}

  LockUses read() {
    for (const Marker& marker : facts_.trace.all<Marker>()) {
      if (marker.thread == kNoThread) continue;
      if (marker.kind == raw(MarkerKind::kLockWanted)) {
        wants(marker);
      } else if (marker.kind == raw(MarkerKind::kLockAcquired)) {
        acquires(marker);
      } else if (marker.kind == raw(MarkerKind::kLockReleased)) {
        releases(marker);
      }
    }
    return finish();
  }

 private:
  void wants(const Marker& marker) {
    abandon(marker.thread, marker.at);
    wanting_[marker.thread] = {marker.a, marker.at};
    std::vector<WaitCircle::Member> path;
    std::set<ThreadRef> seen;
    if (leads_back(marker.thread, marker.thread, path, seen)) open_circle(marker.at, path);
  }

  void acquires(const Marker& marker) {
    Lock& lock = locks_[marker.a];
    const auto wanting = wanting_.find(marker.thread);
    if (wanting != wanting_.end() && wanting->second.lock == marker.a) {
      note_wait(lock, marker.thread, wanting->second.since, marker.at);
      stop_wanting(wanting, marker.at);
    } else {
      abandon(marker.thread, marker.at);
    }
    ++lock.acquisitions;
    const bool again =
        std::ranges::find(lock.holders, marker.thread, &Hold::thread) != lock.holders.end();
    if (!again) lock.holders.push_back({marker.thread, marker.at, {}});
  }

  void releases(const Marker& marker) {
    abandon(marker.thread, marker.at);
    Lock& lock = locks_[marker.a];
    const auto hold = std::ranges::find(lock.holders, marker.thread, &Hold::thread);
    if (hold == lock.holders.end()) return;  // its markers began within the hold
    hold->end = marker.at;
    lock.holds.add(marker.at - hold->begin, marker.at);
    lock.past.push_back(*hold);
    lock.holders.erase(hold);
  }

  using Wants = std::map<ThreadRef, Wanting>;

  void abandon(ThreadRef thread, Time at) {
    const auto wanting = wanting_.find(thread);
    if (wanting == wanting_.end()) return;
    ++locks_[wanting->second.lock].abandoned;
    stop_wanting(wanting, at);
  }

  void stop_wanting(Wants::iterator wanting, Time at) {
    for (WaitCircle& circle : open_) {
      const bool member = std::ranges::find(circle.members, wanting->first,
                                            &WaitCircle::Member::thread) != circle.members.end();
      if (!member) continue;
      circle.end = at;
      circle.lasting = false;
      keep(circle);
    }
    std::erase_if(open_, [](const WaitCircle& circle) { return !circle.lasting; });
    wanting_.erase(wanting);
  }

  static void note_wait(Lock& lock, ThreadRef thread, Time begin, Time end) {
    lock.waits.add(end - begin, end);
    lock.waited += end - begin;
    note_longest(lock, thread, begin, end);
  }

  static void note_longest(Lock& lock, ThreadRef thread, Time begin, Time end) {
    if (lock.longest && end - begin <= lock.longest->end - lock.longest->begin) return;
    lock.longest = LockWait{.thread = thread, .begin = begin, .end = end, .holders = {}};
  }

  // Depth first from `thread` over who holds what is wanted. Each thread is looked at once.
  bool leads_back(ThreadRef thread, ThreadRef goal, std::vector<WaitCircle::Member>& path,
                  std::set<ThreadRef>& seen) {
    if (path.size() >= kLongestCircle) return false;
    const auto wanting = wanting_.find(thread);
    if (wanting == wanting_.end()) return false;
    const auto lock = locks_.find(wanting->second.lock);
    if (lock == locks_.end()) return false;
    path.push_back({thread, wanting->second.lock});
    for (const Hold& hold : lock->second.holders) {
      if (hold.thread == goal) return true;
      if (!seen.insert(hold.thread).second) continue;
      if (leads_back(hold.thread, goal, path, seen)) return true;
    }
    path.pop_back();
    return false;
  }

  void open_circle(Time at, std::vector<WaitCircle::Member> members) {
    open_.push_back({.begin = at, .end = {}, .lasting = true, .members = std::move(members)});
  }
  void keep(const WaitCircle& circle) {
    ++uses_.circle_count;
    if (uses_.circles.size() < kMostCircles) uses_.circles.push_back(circle);
  }

  LockUses finish() {
    const Time end = facts_.trace.end();
    for (WaitCircle& circle : open_) {
      circle.end = std::max(circle.begin, end);
      keep(circle);
    }
    // A wait without its end may be the longest of all; it counts for nothing else.
    for (const auto& [thread, wanting] : wanting_) {
      if (wanting.since < end) note_longest(locks_[wanting.lock], thread, wanting.since, end);
    }
    for (auto& [number, lock] : locks_) {
      for (Hold& hold : lock.holders) {
        hold.end = std::max(hold.begin, end);
        lock.past.push_back(hold);
      }
      uses_.locks.push_back(use_of(number, lock));
    }
    std::ranges::stable_sort(uses_.locks, std::ranges::greater{}, &LockUse::waited);
    std::ranges::stable_sort(uses_.circles, {}, &WaitCircle::begin);
    return std::move(uses_);
  }

  LockUse use_of(std::uint64_t number, Lock& lock) const {
    LockUse use{.lock = number,
                .acquisitions = lock.acquisitions,
                .abandoned = lock.abandoned,
                .wait = lock.waits.percentiles(facts_.trace.begin()),
                .hold = lock.holds.percentiles(facts_.trace.begin()),
                .waited = lock.waited,
                .longest = std::move(lock.longest)};
    if (!use.longest) return use;
    std::ranges::stable_sort(lock.past, {}, &Hold::begin);
    for (const Hold& hold : lock.past) {
      if (hold.begin >= use.longest->end || hold.end <= use.longest->begin) continue;
      use.longest->holders.push_back(conduct_of_holder(facts_, hold, *use.longest));
    }
    return use;
  }

  // Of threads; also how deep the search goes.
  static constexpr std::size_t kLongestCircle = 1024;

  const Facts& facts_;
  std::map<std::uint64_t, Lock> locks_;
  Wants wanting_;
  std::vector<WaitCircle> open_;
  LockUses uses_;
};

}  // namespace

LockUses lock_use(const Facts& facts) { return Reading(facts).read(); }

std::string lock_name(std::uint64_t lock) {
  if (lock < 26) return std::string(1, static_cast<char>('A' + static_cast<char>(lock)));
  return fmt::format("#{}", lock);
}

}  // namespace observe
