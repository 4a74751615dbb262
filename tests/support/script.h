// Tells a scheduling story and makes a Trace of it:
//
//   const Trace trace = Script{}
//       .has(A, running(cpu0)).has(B, sleeping(kFutex, cpu0))
//       .at(10us).wakes(B, on(cpu0))
//       .at(40us).switches(cpu0, A, B, preempted())
//       .build();
//
// Times count from zero, where the window begins too; it ends with the last at(). Switch counters
// count by themselves, from those of the first seed: voluntary when the thread is not runnable.
// Every tid is its own process unless process() or forks_thread() says otherwise.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "trace/builder.h"
#include "trace/task_state.h"

namespace observe {

using namespace std::chrono_literals;

inline constexpr Tid A{101}, B{102}, C{103}, D{104}, E{105}, F{106};
inline constexpr Tid idle = kIdleTid;
inline constexpr Cpu cpu0{0}, cpu1{1}, cpu2{2}, cpu3{3};

inline constexpr Syscall kRead{0}, kYield{24}, kNanosleep{35}, kExitCall{60}, kFutex{202};

inline std::array<char, 16> name_bytes(std::string_view name) {
  std::array<char, 16> bytes{};
  std::copy_n(name.begin(), std::min(name.size(), bytes.size()), bytes.begin());
  return bytes;
}

// How the previous thread leaves the CPU: the raw facts of a sched_switch.
struct Leaves {
  Switch facts;
  std::optional<std::pair<std::uint16_t, std::uint16_t>> counters;

  Leaves state(std::uint32_t bits) const {
    return with([&](Switch& s) { s.prev_state = RawState{bits}; });
  }
  Leaves syscall(Syscall call) const {
    return with([&](Switch& s) { s.syscall = call; });
  }
  Leaves preempt(bool flag = true) const {
    return with([&](Switch& s) { s.preempt = flag; });
  }
  Leaves ip(std::uint64_t address) const {
    return with([&](Switch& s) { s.user_ip = address; });
  }
  Leaves prio(std::int16_t value) const {
    return with([&](Switch& s) { s.prev_prio = value; });
  }
  Leaves next_prio(std::int16_t value) const {
    return with([&](Switch& s) { s.next_prio = value; });
  }
  Leaves kernel() const {
    return with([](Switch& s) { s.kernel_thread = true; });
  }
  Leaves compat() const {
    return with([](Switch& s) { s.compat = true; });
  }
  Leaves counts(std::uint16_t nvcsw, std::uint16_t nivcsw) const {
    Leaves changed = *this;
    changed.counters = {nvcsw, nivcsw};
    return changed;
  }

 private:
  template <class Change>
  Leaves with(Change change) const {
    Leaves changed = *this;
    change(changed.facts);
    return changed;
  }
};

// In user mode, by an interrupt: how Linux takes the CPU away from a computing thread.
inline Leaves preempted() {
  Leaves how;
  how.facts.prev_prio = how.facts.next_prio = 120;
  return how;
}
inline Leaves preempted_in_kernel(Syscall call) { return preempted().syscall(call).preempt(); }
inline Leaves yields() { return preempted().syscall(kYield); }
inline Leaves blocks(Syscall call) {
  return preempted().syscall(call).state(task_bits::kInterruptible);
}
inline Leaves blocks_uninterruptibly(Syscall call) {
  return preempted().syscall(call).state(task_bits::kUninterruptible);
}
inline Leaves faults() { return preempted().state(task_bits::kUninterruptible); }  // a page fault
inline Leaves dies() { return preempted().syscall(kExitCall).state(task_bits::kDead); }

// A wake-up: where to, by whom. Without by() the waker is who runs on the CPU that records it.
struct Wake {
  Cpu target{};
  std::optional<Cpu> recorded;  // the waker's CPU; the target when not said
  std::optional<Cpu> previous;  // where the thread was; the target when not said
  std::optional<Tid> waker;
  WakeContext context = WakeContext::kThread;
  std::int32_t priority = 120;

  Wake by(Tid tid) const {
    return with([&](Wake& w) { w.waker = tid; });
  }
  Wake from(Cpu cpu) const {
    return with([&](Wake& w) { w.previous = cpu; });
  }
  Wake recorded_on(Cpu cpu) const {
    return with([&](Wake& w) { w.recorded = cpu; });
  }
  Wake in_hardirq() const {
    return with([](Wake& w) { w.context = WakeContext::kHardirq; });
  }
  Wake in_softirq() const {
    return with([](Wake& w) { w.context = WakeContext::kSoftirq; });
  }
  Wake in_unknown() const {
    return with([](Wake& w) { w.context = WakeContext::kUnknown; });
  }
  Wake prio(std::int32_t value) const {
    return with([&](Wake& w) { w.priority = value; });
  }

 private:
  template <class Change>
  Wake with(Change change) const {
    Wake changed = *this;
    change(changed);
    return changed;
  }
};
inline Wake on(Cpu cpu) { return {.target = cpu}; }

// The state that a thread is seeded with.
inline ThreadSeed seeded(Cpu cpu) {
  ThreadSeed seed;
  seed.cpu = cpu;
  seed.prio = 120;
  seed.run_delay_ns = 0;
  return seed;
}
inline ThreadSeed running(Cpu cpu) {
  ThreadSeed seed = seeded(cpu);
  seed.on_cpu = seed.queued = true;
  return seed;
}
inline ThreadSeed queued(Cpu cpu) {
  ThreadSeed seed = seeded(cpu);
  seed.queued = true;
  return seed;
}
inline ThreadSeed sleeping(Syscall call, Cpu cpu = cpu0) {
  ThreadSeed seed = seeded(cpu);
  seed.state = RawState{task_bits::kInterruptible};
  seed.syscall = call;
  return seed;
}

class Script {
 public:
  Script& at(Nanos time) {
    now_ = Time{time};
    end_ = std::max(end_, now_);
    return *this;
  }

  // Who a thread is, before it is seeded or forked. The default name is "t101" for tid 101.
  Script& name(Tid tid, std::string_view name) {
    return about(tid, [&](About& a) { a.name = name; });
  }
  Script& process(Tid tid, Tid leader) {
    return about(tid, [&](About& a) { a.process = Pid{raw(leader)}; });
  }
  Script& child_of(Tid tid, Tid parent) {
    return about(tid, [&](About& a) { a.parent = Pid{raw(parent)}; });
  }
  Script& kernel_thread(Tid tid) {
    return about(tid, [](About& a) { a.kernel = true; });
  }

  // Is there when the window begins. Identity and times that the seed does not have are filled in.
  Script& has(Tid tid, ThreadSeed seed) {
    About& known = about_[tid];
    known.run_ns = Nanos(seed.run_ns);
    known.nvcsw = seed.nvcsw;
    known.nivcsw = seed.nivcsw;
    if (seed.start_time == 0) seed.start_time = raw(tid);
    known.start_time = seed.start_time;
    if (seed.on_cpu) runs(seed.cpu, tid, Time{});
    first_.push_back(completed(tid, seed));
    return *this;
  }
  // Is there when the window ends. Without this, with_last_seeds() tells it for everybody.
  Script& ends(Tid tid, ThreadSeed seed) {
    if (seed.start_time == 0) seed.start_time = about_[tid].start_time;
    seed = completed(tid, seed);
    seed.at = now_;
    last_.push_back(seed);
    return *this;
  }
  // At build(): a last seed for every thread that lives, with the counters and the time on CPU that
  // the story gives it.
  Script& with_last_seeds() {
    last_seeds_ = true;
    return *this;
  }

  Script& switches(Cpu cpu, Tid prev, Tid next, const Leaves& how = preempted()) {
    Switch event = how.facts;
    event.at = now_;
    event.cpu = cpu;
    event.prev = prev;
    event.next = next;
    if (prev != idle) {
      About& leaving = about_[prev];
      const bool voluntary = !event.preempt && !is_runnable(event.prev_state);
      ++(voluntary ? leaving.nvcsw : leaving.nivcsw);
      if (how.counters) std::tie(leaving.nvcsw, leaving.nivcsw) = *how.counters;
      event.nvcsw = static_cast<std::uint16_t>(leaving.nvcsw);
      event.nivcsw = static_cast<std::uint16_t>(leaving.nivcsw);
      event.kernel_thread = event.kernel_thread || leaving.kernel;
      if (leaving.running_since) leaving.run_ns += now_ - *leaving.running_since;
      leaving.running_since.reset();
      leaving.last_cpu = cpu;
      leaving.last = event;
      leaving.dead = is_dead(event.prev_state);
    }
    runs(cpu, next, now_);
    return add(event, event_stream(cpu, kSchedulerLane));
  }

  // Both halves of a wake-up at once; or one after the other.
  Script& wakes(Tid tid, const Wake& wake) { return waking(tid, wake).wakeup(tid, wake); }
  Script& waking(Tid tid, const Wake& wake) {
    const Cpu cpu = wake.recorded.value_or(wake.target);
    Waking event;
    event.at = now_;
    event.cpu = cpu;
    event.context = wake.context;
    event.tid = tid;
    event.waker = wake.waker.value_or(on_cpu_[cpu]);
    event.previous_cpu = wake.previous.value_or(wake.target);
    event.prio = wake.priority;
    return add(event, event_stream(cpu, kSchedulerLane));
  }
  Script& wakeup(Tid tid, const Wake& wake) { return queued_event(tid, wake, false); }
  Script& wakes_new(Tid tid, const Wake& wake) { return queued_event(tid, wake, true); }

  Script& migrates(Tid tid, Cpu from, Cpu to, std::optional<Cpu> recorded = {}) {
    Migrate event;
    event.at = now_;
    event.cpu = recorded.value_or(to);
    event.tid = tid;
    event.from = from;
    event.to = to;
    return add(event, event_stream(event.cpu, kSchedulerLane));
  }

  // A fork and the record of the child's name; wakes_new() is up to the story.
  Script& forks_thread(Cpu cpu, Tid parent, Tid child) { return fork(cpu, parent, child, true); }
  Script& forks_process(Cpu cpu, Tid parent, Tid child) { return fork(cpu, parent, child, false); }

  Script& renames(Cpu cpu, Tid tid, std::string_view name,
                  Rename::Cause cause = Rename::Cause::kRename) {
    About& renamed = about_[tid];
    renamed.name = name;
    Rename event;
    event.at = now_;
    event.cpu = cpu;
    event.cause = cause;
    event.tid = tid;
    event.process = process_of(tid);
    event.name = name_bytes(name);
    return add(event, event_stream(cpu, kLifecycleLane));
  }
  // With `caller`: a thread other than the leader execs and takes the leader's tid.
  Script& execs(Cpu cpu, Tid tid, std::string_view name, std::optional<Tid> caller = {}) {
    renames(cpu, tid, name, Rename::Cause::kExec);
    Exec event;
    event.at = now_;
    event.cpu = cpu;
    event.tid = tid;
    event.process = process_of(tid);
    event.old_tid = caller.value_or(tid);
    return add(event, event_stream(cpu, kLifecycleLane));
  }
  // Begins to die; the last switch-out is switches(…, dies()).
  Script& exits(Cpu cpu, Tid tid, std::int32_t code = 0) {
    Exit event;
    event.at = now_;
    event.cpu = cpu;
    event.tid = tid;
    event.process = process_of(tid);
    event.exit_code = code;
    return add(event, event_stream(cpu, kLifecycleLane));
  }
  // The kernel's account of a thread at its death; counters as the story counted them.
  Script& accounts(Cpu cpu, Tid tid, Nanos run, std::uint64_t run_delay_ns = kNoRunDelay) {
    Account event;
    event.at = now_;
    event.cpu = cpu;
    event.tid = tid;
    event.nvcsw = static_cast<std::uint32_t>(about_[tid].nvcsw);
    event.nivcsw = static_cast<std::uint32_t>(about_[tid].nivcsw);
    event.run_ns = static_cast<std::uint64_t>(run.count());
    event.run_delay_ns = run_delay_ns;
    return add(event, event_stream(cpu, kSchedulerLane));
  }
  // A thread comes to a USDT probe.
  Script& reaches(Tid tid, std::uint16_t mark, std::uint64_t a = 0, std::uint64_t b = 0) {
    const Marker event{.at = now_, .kind = mark, .tid = tid, .a = a, .b = b};
    return add(event, event_stream(about_[tid].last_cpu, kLifecycleLane));
  }
  Script& marks(std::uint16_t lane, std::uint16_t kind, std::uint64_t a = 0, std::uint64_t b = 0) {
    const Marker event{.at = now_, .kind = kind, .lane = lane, .a = a, .b = b};
    return add(event, marker_stream(lane));
  }

  Script& loses(Cpu cpu, Nanos from, Nanos to, std::uint64_t count) {
    builder_.add_lost({.cpu = cpu, .from = Time{from}, .to = Time{to}, .count = count});
    return *this;
  }
  Script& window(Nanos begin, Nanos end) {
    window_ = {Time{begin}, Time{end}};
    return *this;
  }
  Script& run(RunInfo info) {
    builder_.set_run(std::move(info));
    return *this;
  }
  Script& host(HostInfo info) {
    builder_.set_host(std::move(info));
    return *this;
  }
  Script& capture(CaptureInfo info) {  // but for the window
    capture_ = std::move(info);
    return *this;
  }
  Script& workload(WorkloadInfo info) {
    builder_.set_workload(std::move(info));
    return *this;
  }
  Script& incomplete() {
    builder_.note_incomplete();
    return *this;
  }

  // The raw way, for what the words above do not say.
  template <class Event>
  Script& add(const Event& event, std::uint32_t stream) {
    builder_.add(event, stream);
    return *this;
  }

  Trace build() {
    const auto [begin, end] = window_.value_or(std::pair{Time{}, end_});
    for (ThreadSeed& seed : first_) seed.at = begin;
    builder_.add_first_seeds(first_);
    if (last_seeds_) add_last_seeds(end);
    builder_.add_last_seeds(last_);
    capture_.window_begin = begin;
    capture_.window_end = end;
    builder_.set_capture(capture_);
    return std::move(builder_).build();
  }

 private:
  struct About {
    std::string name;
    Pid process{};
    Pid parent{};
    bool kernel = false;
    bool dead = false;
    std::uint64_t start_time = 0;
    std::uint64_t nvcsw = 0;
    std::uint64_t nivcsw = 0;
    Nanos run_ns{};
    std::optional<Time> running_since;
    Cpu last_cpu{};
    std::optional<Switch> last;
  };

  template <class Change>
  Script& about(Tid tid, Change change) {
    change(about_[tid]);
    return *this;
  }

  Pid process_of(Tid tid) {
    const Pid told = about_[tid].process;
    return told != Pid{} ? told : Pid{raw(tid)};
  }
  std::string name_of(Tid tid) {
    const std::string& told = about_[tid].name;
    return told.empty() ? "t" + std::to_string(raw(tid)) : told;
  }

  ThreadSeed completed(Tid tid, ThreadSeed seed) {
    const About& known = about_[tid];
    seed.tid = tid;
    seed.process = process_of(tid);
    seed.parent_process = known.parent;
    seed.kernel_thread = seed.kernel_thread || known.kernel;
    if (seed.name[0] == '\0') seed.name = name_bytes(name_of(tid));
    return seed;
  }

  void runs(Cpu cpu, Tid tid, Time since) {
    on_cpu_[cpu] = tid;
    if (tid == idle) return;
    about_[tid].running_since = since;
    about_[tid].last_cpu = cpu;
  }

  Script& queued_event(Tid tid, const Wake& wake, bool is_new) {
    Wakeup event;
    event.at = now_;
    event.cpu = wake.recorded.value_or(wake.target);
    event.is_new = is_new;
    event.tid = tid;
    event.target_cpu = wake.target;
    event.prio = wake.priority;
    return add(event, event_stream(event.cpu, kSchedulerLane));
  }

  Script& fork(Cpu cpu, Tid parent, Tid child, bool is_thread) {
    const Pid family = process_of(parent);
    About& born = about_[child];
    // A tid that is used again names another thread.
    if (born.dead) born = About{.name = born.name, .process = born.process};
    if (born.name.empty()) born.name = name_of(parent);
    born.process = is_thread ? family : Pid{raw(child)};
    born.parent = is_thread ? about_[parent].parent : family;
    born.start_time = static_cast<std::uint64_t>(to_ns(now_)) + 1'000'000;
    Fork event;
    event.at = now_;
    event.cpu = cpu;
    event.is_thread = is_thread;
    event.child = child;
    event.child_process = born.process;
    event.parent = parent;
    event.child_start = born.start_time;
    add(event, event_stream(cpu, kLifecycleLane));
    return renames(cpu, child, born.name, Rename::Cause::kFork);
  }

  void add_last_seeds(Time end) {
    std::set<Tid> told;
    for (const ThreadSeed& seed : last_) told.insert(seed.tid);
    for (auto& [tid, known] : about_) {
      if (tid == idle || known.dead || known.start_time == 0 || told.contains(tid)) continue;
      ThreadSeed seed = known.running_since ? running(known.last_cpu) : seeded(known.last_cpu);
      if (known.running_since) {
        known.run_ns += end - *known.running_since;
      } else if (known.last) {
        seed.state = known.last->prev_state;
        seed.syscall = known.last->syscall;
        seed.queued = is_runnable(seed.state);
      }
      seed.nvcsw = known.nvcsw;
      seed.nivcsw = known.nivcsw;
      seed.run_ns = static_cast<std::uint64_t>(known.run_ns.count());
      seed.run_delay_ns = kNoRunDelay;
      seed.start_time = known.start_time;
      seed = completed(tid, seed);
      seed.at = end;
      last_.push_back(seed);
    }
  }

  TraceBuilder builder_;
  Time now_{};
  Time end_{};
  std::optional<std::pair<Time, Time>> window_;
  CaptureInfo capture_ = {.complete = true};
  std::map<Tid, About> about_;
  std::map<Cpu, Tid> on_cpu_;
  std::vector<ThreadSeed> first_;
  std::vector<ThreadSeed> last_;
  bool last_seeds_ = false;
};

}  // namespace observe
