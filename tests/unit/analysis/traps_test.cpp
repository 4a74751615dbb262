// The traps: orders of events that look wrong, edges of the window, seeds, and contradictions.
#include "unit/analysis/story.h"

namespace observe {
namespace {

TEST_CASE("a wake-up of a thread that is already queued or running starts nothing") {
  const Story story(Script{}
                        .has(A, running(cpu0))
                        .has(B, queued(cpu0))
                        .at(5us)
                        .wakes(B, on(cpu0))
                        .at(6us)
                        .wakes(A, on(cpu0))
                        .at(10us)
                        .switches(cpu0, A, B)
                        .at(20us));
  CHECK(story.of(A) == "running@0 0-10, preempted@0 10-20]");
  CHECK(story.of(B) == "unknown@0 0-10, running@0 10-20]");
  CHECK(story.quality().spurious_wakeups == 2);
  CHECK(story.timeline(A).wakeups + story.timeline(B).wakeups == 0);
}

TEST_CASE("a waker faster than the thread's own way to sleep ends the sleep as it begins") {
  const Story story(Script{}
                        .has(A, running(cpu0))
                        .has(B, running(cpu1))
                        .at(10us)
                        .waking(A, on(cpu0).by(B).recorded_on(cpu1))
                        .at(11us)
                        .switches(cpu0, A, idle, blocks(kFutex))
                        .at(15us)
                        .wakeup(A, on(cpu0))
                        .at(18us)
                        .switches(cpu0, idle, A)
                        .at(20us));
  CHECK(story.of(A) ==
        "running@0 0-11, blocked in futex 11-11, delay 11-15, woken@0 15-18, running@0 18-20]");
  CHECK(story.interval(A, 3).waker == story.ref(B));
}

TEST_CASE("an early waking that led to nothing does not end a later sleep") {
  const Story story(Script{}
                        .has(A, running(cpu0))
                        .at(10us)
                        .wakes(A, on(cpu0))  // it had not slept yet, so it runs on
                        .at(20us)
                        .switches(cpu0, A, idle, blocks(kFutex))
                        .at(30us)
                        .wakes(A, on(cpu0))
                        .at(31us)
                        .switches(cpu0, idle, A)
                        .at(40us));
  CHECK(story.of(A) == "running@0 0-20, blocked in futex 20-30, woken@0 30-31, running@0 31-40]");
}

TEST_CASE("a second waking shows that an early one had not ended the sleep") {
  const Story story(Script{}
                        .has(A, running(cpu0))
                        .at(10us)
                        .waking(A, on(cpu0))
                        .at(20us)
                        .switches(cpu0, A, idle, blocks(kFutex))
                        .at(30us)
                        .wakes(A, on(cpu0))
                        .at(31us)
                        .switches(cpu0, idle, A)
                        .at(40us));
  CHECK(story.of(A) == "running@0 0-20, blocked in futex 20-30, woken@0 30-31, running@0 31-40]");
  CHECK(story.quality().wakings_without_wakeup == 1);
}

TEST_CASE("a thread that runs before its wake-up was seen was on its way") {
  const Story story(Script{}
                        .has(A, sleeping(kFutex, cpu0))
                        .at(10us)
                        .waking(A, on(cpu0))
                        .at(15us)
                        .switches(cpu0, idle, A)
                        .at(16us)
                        .wakeup(A, on(cpu0))
                        .at(20us));
  CHECK(story.of(A) == "blocked in futex 0-10, delay 10-15, running@0 15-20]");
  CHECK(story.quality().wakings_without_wakeup == 1);
  CHECK(story.quality().spurious_wakeups == 1);
}

TEST_CASE("a wake-up without its waker's side has no delay and no waker") {
  const Story story(Script{}
                        .has(A, sleeping(kFutex, cpu0))
                        .at(10us)
                        .wakeup(A, on(cpu0))
                        .at(15us)
                        .switches(cpu0, idle, A)
                        .at(20us));
  CHECK(story.of(A) == "blocked in futex 0-10, woken@0 10-15, running@0 15-20]");
  CHECK(story.quality().wakeups_without_waking == 1);
  CHECK(story.interval(A, 1).waker == kNoThread);
}

TEST_CASE("a thread with a signal pending goes to sleep but stays runnable") {
  const Story story(Script{}
                        .has(A, running(cpu0))
                        .has(B, queued(cpu0))
                        .at(10us)
                        .switches(cpu0, A, B, blocks(kRead))
                        .at(20us)
                        .switches(cpu0, B, A)
                        .at(30us));
  CHECK(story.of(A) == "running@0 0-10, unknown@0 10-20, running@0 20-30]");
  CHECK(story.quality().runs_without_wakeup == 1);
}

TEST_CASE("a missing wake-up stays unknown when events may be missing without notice") {
  CaptureInfo capture{.complete = true};
  capture.missed_probe_runs = 3;
  const Story story(Script{}
                        .capture(capture)
                        .has(A, running(cpu0))
                        .has(B, queued(cpu0))
                        .at(10us)
                        .switches(cpu0, A, B, blocks(kRead))
                        .at(20us)
                        .switches(cpu0, B, A)
                        .at(30us));
  CHECK(story.of(A) == "running@0 0-10, ? 10-20, running@0 20-30]");
}

TEST_CASE("intervals are clipped to the window and say so") {
  const Story story(Script{}
                        .window(10us, 20us)
                        .has(A, running(cpu0))
                        .at(12us)
                        .switches(cpu0, A, idle, blocks(kRead))
                        .at(25us)
                        .wakes(A, on(cpu0))
                        .at(30us)
                        .switches(cpu0, idle, A));
  CHECK(story.of(A) == "running@0 0-2, blocked in read 2-10]");
  CHECK(story.of(cpu0) == "A 0-2, idle 2-10");
}

TEST_CASE("events before the window set states; the seed only fills in what they leave open") {
  const Story story(Script{}
                        .window(10us, 20us)
                        .has(A, running(cpu0))  // read just before it was switched out
                        .has(B, sleeping(kRead, cpu0))
                        .has(C, sleeping(kFutex, cpu0))
                        .at(4us)
                        .wakes(B, on(cpu0))
                        .at(5us)
                        .switches(cpu0, A, B)
                        .at(20us));
  CHECK(story.of(A) == "preempted@0 [0-10]");
  CHECK(story.of(B) == "running@0 [0-10]");
  CHECK(story.of(C) == "blocked in futex 0-10]");
}

TEST_CASE("a thread of which only a wake-up was seen runs when its seed says so") {
  const Story story(
      Script{}.window(10us, 20us).has(A, running(cpu0)).at(4us).wakes(A, on(cpu0)).at(20us));
  CHECK(story.of(A) == "running@0 0-10]");
}

TEST_CASE("a thread asleep with its dequeue delayed is blocked, not waiting") {
  ThreadSeed delayed = sleeping(kFutex, cpu0);
  delayed.queued = delayed.delayed = true;
  const Story story(Script{}.has(A, running(cpu0)).has(B, delayed).at(10us));
  CHECK(story.of(B) == "blocked in futex 0-10]");
}

TEST_CASE("a zombie does not live in the window, a forked thread not before it is woken") {
  ThreadSeed zombie = seeded(cpu0);
  zombie.state = RawState{task_bits::kDead};
  ThreadSeed unborn = seeded(cpu0);
  unborn.state = RawState{task_bits::kNew};
  const Story story(Script{}.has(A, zombie).has(B, unborn).at(5us).wakes_new(B, on(cpu0)).at(10us));
  CHECK_FALSE(story.timeline(A).lived());
  CHECK(story.of(B) == "new@0 5-10]");
}

TEST_CASE("a thread without origin is known from its first event on") {
  const Story story(Script{}
                        .has(A, running(cpu0))
                        .at(10us)
                        .wakes(C, on(cpu0))
                        .at(15us)
                        .switches(cpu0, A, C)
                        .at(20us));
  CHECK(story.of(C) == "woken@0 10-15, running@0 15-20]");
  CHECK(story.timeline(C).begin == Time{10us});
}

TEST_CASE("who was switched out against all belief had been running unseen") {
  const Story story(Script{}
                        .has(A, running(cpu0))
                        .has(B, sleeping(kRead, cpu0))
                        .at(10us)
                        .switches(cpu0, B, idle, blocks(kRead))
                        .at(20us));
  CHECK(story.of(A) == "? 0-20]");
  CHECK(story.of(B) == "? 0-10, blocked in read 10-20]");
  CHECK(story.of(cpu0) == "? 0-10, idle 10-20");
  CHECK(story.quality().switch_mismatches == 1);
}

TEST_CASE("a thread cannot run on two CPUs: what it did on the first is unknown") {
  const Story story(Script{}.has(A, running(cpu0)).at(10us).switches(cpu1, idle, A).at(20us));
  CHECK(story.of(A) == "? 0-10, running@1 10-20]");
  CHECK(story.of(cpu0) == "? 0-20");
  CHECK(story.of(cpu1) == "idle 0-10, A 10-20");
}

TEST_CASE("a CPU without events is idle when every thread was seeded, if it is online") {
  HostInfo host;
  host.topology = {{.cpu = cpu0}, {.cpu = cpu1}, {.cpu = cpu2, .online = false}};
  const Story story(Script{}.host(host).has(A, running(cpu0)).at(10us));
  CHECK(story.of(cpu0) == "A 0-10");
  CHECK(story.of(cpu1) == "idle 0-10");
  CHECK(story.of(cpu2).empty());
}

TEST_CASE("two seeds cannot both run on one CPU") {
  const Story story(Script{}.has(A, running(cpu0)).has(B, running(cpu0)).at(10us));
  CHECK(story.of(A) == "running@0 0-10]");
  CHECK(story.of(B) == "? 0-10]");
}

TEST_CASE("an empty window holds nothing") {
  const Story story(Script{}.has(A, running(cpu0)).window(5us, 5us));
  CHECK_FALSE(story.timeline(A).lived());
  CHECK(story.of(A).empty());
}

}  // namespace
}  // namespace observe
