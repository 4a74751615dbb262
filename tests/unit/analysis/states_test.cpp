// The definitions: what each event begins and ends.
#include "unit/analysis/story.h"

namespace observe {
namespace {

TEST_CASE("a woken thread waits until it is switched in") {
  const Story story(Script{}
                        .has(A, running(cpu0))
                        .has(B, sleeping(kFutex, cpu0))
                        .at(10us)
                        .wakes(B, on(cpu0))
                        .at(40us)
                        .switches(cpu0, A, B, preempted())
                        .at(60us));
  CHECK(story.of(B) == "blocked in futex 0-10, woken@0 10-40, running@0 40-60]");
  CHECK(story.of(A) == "running@0 0-40, preempted@0 40-60]");
  CHECK(story.of(cpu0) == "A 0-40, B 40-60");
  CHECK(story.timeline(B).wakeups == 1);
}

TEST_CASE("between the waker's decision and the run queue lies the wake delay") {
  const Story story(Script{}
                        .has(A, running(cpu0))
                        .has(B, sleeping(kRead, cpu1))
                        .at(10us)
                        .waking(B, on(cpu1).by(A).recorded_on(cpu0))
                        .at(13us)
                        .wakeup(B, on(cpu1))
                        .at(20us)
                        .switches(cpu1, idle, B)
                        .at(30us));
  CHECK(story.of(B) == "blocked in read 0-10, delay 10-13, woken@1 13-20, running@1 20-30]");
  CHECK(story.interval(B, 1).waker == story.ref(A));
  CHECK(story.interval(B, 2).waker == story.ref(A));
  CHECK(story.interval(B, 2).wake_context == WakeContext::kThread);
}

TEST_CASE("a wake-up by an interrupt says so, whoever ran there") {
  const Story story(Script{}
                        .has(A, running(cpu0))
                        .has(B, sleeping(kNanosleep, cpu0))
                        .at(10us)
                        .waking(B, on(cpu0).in_hardirq())
                        .at(11us)
                        .wakeup(B, on(cpu0))
                        .at(20us));
  CHECK(story.interval(B, 1).wake_context == WakeContext::kHardirq);
  CHECK(story.interval(B, 2).wake_context == WakeContext::kHardirq);
}

TEST_CASE("a preempted thread waits at once, whether in user mode or in the kernel") {
  const Story story(Script{}
                        .has(A, running(cpu0))
                        .has(B, queued(cpu0))
                        .at(4us)
                        .switches(cpu0, A, B, preempted())
                        .at(8us)
                        .switches(cpu0, B, A, preempted_in_kernel(kRead))
                        .at(12us));
  CHECK(story.of(A) == "running@0 0-4, preempted@0 4-8, running@0 8-12]");
  CHECK(story.of(B) == "unknown@0 0-4, running@0 4-8, preempted@0 8-12]");
  CHECK(story.interval(B, 2).syscall == kRead);
}

TEST_CASE("a thread in sched_yield yielded, also a 32-bit one") {
  const Story story(Script{}
                        .has(A, running(cpu0))
                        .has(B, queued(cpu0))
                        .at(4us)
                        .switches(cpu0, A, B, yields())
                        .at(8us)
                        .switches(cpu0, B, A, preempted().syscall(Syscall{158}).compat())
                        .at(12us)
                        .switches(cpu0, A, B, preempted().syscall(Syscall{158}))
                        .at(16us));
  CHECK(story.of(A) == "running@0 0-4, yielded@0 4-8, running@0 8-12, preempted@0 12-16]");
  CHECK(story.of(B) == "unknown@0 0-4, running@0 4-8, yielded@0 8-12, running@0 12-16]");
  CHECK(story.timeline(A).switches_by(SwitchCause::kYielded) == 1);
  CHECK(story.timeline(A).switches_by(SwitchCause::kPreempted) == 1);
}

TEST_CASE("a thread preempted on its way to sleep is still runnable") {
  const Story story(Script{}
                        .has(A, running(cpu0))
                        .has(B, queued(cpu0))
                        .at(4us)
                        .switches(cpu0, A, B, blocks(kFutex).preempt())
                        .at(8us)
                        .switches(cpu0, B, A, blocks(kRead))
                        .at(9us)
                        .switches(cpu0, A, idle, blocks(kFutex))
                        .at(12us));
  CHECK(story.of(A) == "running@0 0-4, preempted@0 4-8, running@0 8-9, blocked in futex 9-12]");
}

TEST_CASE("state bits are tested, not compared") {
  const std::uint32_t freezable = task_bits::kInterruptible | task_bits::kFreezable;
  const Story story(Script{}
                        .has(A, running(cpu0))
                        .at(4us)
                        .switches(cpu0, A, idle, preempted().syscall(kFutex).state(freezable))
                        .at(8us));
  CHECK(story.of(A) == "running@0 0-4, blocked in futex 4-8]");
  CHECK(story.interval(A, 1).raw_state == RawState{freezable});
}

TEST_CASE("on 5.10-rt a sleep on a lock is marked preempted, yet it blocks") {
  const auto cause = [](std::uint32_t state, SleepingLocks locks) {
    return cause_of(Switch{.preempt = true, .prev_state = RawState{state}}, locks);
  };
  CHECK(cause(2, SleepingLocks::kPreemptedInState2) == SwitchCause::kBlocked);
  CHECK(cause(1, SleepingLocks::kPreemptedInState2) == SwitchCause::kPreempted);
  CHECK(cause(0, SleepingLocks::kPreemptedInState2) == SwitchCause::kPreempted);
  CHECK(cause(2, SleepingLocks::kOrdinary) == SwitchCause::kPreempted);

  const auto locks = [](std::string kernel, std::string model) {
    return sleeping_locks({.kernel = std::move(kernel), .preempt_model = std::move(model)});
  };
  CHECK(locks("5.10.0-30-rt-amd64", "rt") == SleepingLocks::kPreemptedInState2);
  CHECK(locks("5.10.0-30-amd64", "voluntary") == SleepingLocks::kOrdinary);
  CHECK(locks("6.1.0-54-rt-amd64", "rt") == SleepingLocks::kOrdinary);
  CHECK(locks("5.15.1-rt", "rt") == SleepingLocks::kOrdinary);
  CHECK(locks("", "rt") == SleepingLocks::kOrdinary);
  CHECK(locks("5", "rt") == SleepingLocks::kOrdinary);
}

TEST_CASE("a kernel thread's registers hold no system call") {
  CHECK(cause_of({.kernel_thread = true, .syscall = kYield}) == SwitchCause::kPreempted);
  CHECK(cause_of({.syscall = kYield}) == SwitchCause::kYielded);
  CHECK(cause_of({.syscall = Syscall{24 | 0x4000'0000}}) == SwitchCause::kYielded);  // x32
  CHECK(cause_of({.prev_state = RawState{task_bits::kDead}}) == SwitchCause::kExited);
  CHECK(cause_of({.preempt = true, .prev_state = RawState{task_bits::kDead}}) ==
        SwitchCause::kPreempted);
}

TEST_CASE("a new thread waits from its first wake-up on") {
  const Story story(Script{}
                        .has(A, running(cpu0))
                        .at(10us)
                        .forks_thread(cpu0, A, B)
                        .at(12us)
                        .wakes_new(B, on(cpu1).recorded_on(cpu0))
                        .at(20us)
                        .switches(cpu1, idle, B)
                        .at(30us));
  CHECK(story.of(B) == "new@1 12-20, running@1 20-30]");
  CHECK(story.timeline(B).begin == Time{12us});
}

TEST_CASE("a new thread whose first wake-up is missing waits from its fork on") {
  const Story story(Script{}
                        .has(A, running(cpu0))
                        .at(10us)
                        .forks_thread(cpu0, A, B)
                        .at(20us)
                        .switches(cpu1, idle, B)
                        .at(30us));
  CHECK(story.of(B) == "new@0 10-20, running@1 20-30]");
  CHECK(story.quality().runs_without_wakeup == 1);
}

TEST_CASE("a thread lives until its last switch-out, not until it begins to exit") {
  const Story story(Script{}
                        .has(A, running(cpu0))
                        .has(B, sleeping(kRead, cpu0))
                        .at(10us)
                        .exits(cpu0, A)
                        .at(15us)
                        .switches(cpu0, A, idle, dies())
                        .at(30us));
  CHECK(story.of(A) == "running@0 0-15");
  CHECK(story.timeline(A).end == Time{15us});
  CHECK(story.timeline(A).switches_by(SwitchCause::kExited) == 1);
  CHECK(story.of(cpu0) == "A 0-15, idle 15-30");
}

TEST_CASE("a tid that is used again names another thread") {
  const Story story(Script{}
                        .has(A, running(cpu0))
                        .has(B, queued(cpu0))
                        .at(5us)
                        .switches(cpu0, A, B, dies())
                        .at(10us)
                        .forks_process(cpu0, B, A)
                        .at(11us)
                        .wakes_new(A, on(cpu0))
                        .at(20us)
                        .switches(cpu0, B, A)
                        .at(30us));
  CHECK(story.of(ThreadRef{0}) == "running@0 0-5");
  CHECK(story.of(A) == "new@0 11-20, running@0 20-30]");
}

TEST_CASE("a wait that migrates is one wait in parts") {
  const Story story(Script{}
                        .has(A, running(cpu0))
                        .has(B, sleeping(kRead, cpu0))
                        .at(10us)
                        .wakes(B, on(cpu0))
                        .at(20us)
                        .migrates(B, cpu0, cpu1)
                        .at(35us)
                        .switches(cpu1, idle, B)
                        .at(40us));
  CHECK(story.of(B) == "blocked in read 0-10, woken@0 10-20+, woken@1 20-35, running@1 35-40]");
  CHECK(story.timeline(B).migrations.size() == 1);
  std::vector<Wait> waits;
  for_each_wait(story.ref(B), story.timeline(B), [&](const Wait& wait) { waits.push_back(wait); });
  REQUIRE(waits.size() == 1);
  CHECK(waits[0].length() == 25us);
  CHECK(waits[0].parts == 2);
  CHECK(waits[0].cpu == cpu1);
  CHECK_FALSE(waits[0].clipped);
}

TEST_CASE("a migration while a thread is being woken changes where it will wait") {
  const Story story(Script{}
                        .has(B, sleeping(kRead, cpu0))
                        .at(10us)
                        .waking(B, on(cpu1).from(cpu0))
                        .at(11us)
                        .migrates(B, cpu0, cpu1)
                        .at(12us)
                        .wakeup(B, on(cpu1))
                        .at(14us)
                        .switches(cpu1, idle, B)
                        .at(20us));
  CHECK(story.of(B) == "blocked in read 0-10, delay 10-12, woken@1 12-14, running@1 14-20]");
}

TEST_CASE("blocking is told by the call: a page fault, an exit, a kernel thread, a sleep") {
  const Story story(Script{}
                        .kernel_thread(D)
                        .has(A, running(cpu0))
                        .has(B, running(cpu1))
                        .has(C, running(cpu2))
                        .has(D, running(cpu3))
                        .at(5us)
                        .switches(cpu0, A, idle, faults())
                        .switches(cpu1, B, idle, blocks_uninterruptibly(kExitCall))
                        .switches(cpu2, C, idle, blocks(kNanosleep))
                        .switches(cpu3, D, idle, blocks(kFutex))
                        .at(10us));
  CHECK(story.of(A) == "running@0 0-5, blocked in page fault 5-10]");
  CHECK(story.of(B) == "running@1 0-5, blocked in exit 5-10]");
  CHECK(story.of(C) == "running@2 0-5, blocked in nanosleep 5-10]");
  CHECK(story.of(D) == "running@3 0-5, blocked in kernel thread 5-10]");
}

TEST_CASE("the idle task of a CPU never waits and has no timeline of its own") {
  const Story story(Script{}
                        .has(A, sleeping(kRead, cpu0))
                        .at(10us)
                        .wakes(A, on(cpu0))
                        .at(12us)
                        .switches(cpu0, idle, A)
                        .at(20us)
                        .switches(cpu0, A, idle, blocks(kRead))
                        .at(30us));
  CHECK(story.trace().threads().size() == 1);
  CHECK(story.of(cpu0) == "idle 0-12, A 12-20, idle 20-30");
}

}  // namespace
}  // namespace observe
