// Lost events: what they make unknown, and what stays known.
#include "analysis/loss_map.h"
#include "unit/analysis/story.h"

namespace observe {
namespace {

TEST_CASE("what ran on a CPU is unknown from the last record before the gap on") {
  const Story story(Script{}
                        .has(A, running(cpu0))
                        .has(B, queued(cpu0))
                        .at(10us)
                        .switches(cpu0, A, B)
                        .loses(cpu0, 10us, 30us, 5)
                        .at(30us)
                        .switches(cpu0, B, A)
                        .at(40us));
  CHECK(story.of(A) == "running@0 0-10, ? 10-30, running@0 30-40]");
  CHECK(story.of(B) == "unknown@0 0-10, ? 10-30, preempted@0 30-40]");
  CHECK(story.of(cpu0) == "A 0-10, ? 10-30, A 30-40");
  CHECK(story.quality().switch_mismatches == 0);
}

TEST_CASE("after a gap a thread stays unknown until its own next event") {
  const Story story(Script{}
                        .has(A, running(cpu0))
                        .has(B, queued(cpu0))
                        .has(C, queued(cpu0))
                        .at(10us)
                        .switches(cpu0, A, B)
                        .loses(cpu0, 10us, 20us, 5)
                        .at(20us)
                        .switches(cpu0, A, B, preempted())
                        .at(40us)
                        .switches(cpu0, B, C)
                        .at(50us));
  CHECK(story.of(C) == "unknown@0 0-10, ? 10-40, running@0 40-50]");
  CHECK(story.of(B) == "unknown@0 0-10, ? 10-20, running@0 20-40, preempted@0 40-50]");
}

TEST_CASE("a gap on one CPU leaves the others known") {
  const Story story(Script{}
                        .has(A, running(cpu0))
                        .has(B, running(cpu1))
                        .at(10us)
                        .switches(cpu1, B, idle, blocks(kRead))
                        .loses(cpu1, 10us, 20us, 2)
                        .at(20us)
                        .switches(cpu1, idle, B)
                        .at(30us));
  CHECK(story.of(A) == "running@0 0-30]");
  CHECK(story.of(cpu0) == "A 0-30");
  CHECK(story.of(cpu1) == "B 0-10, ? 10-20, B 20-30");
}

TEST_CASE("a sleeper whose wake-up was lost is known to sleep only up to the gap") {
  const Story story(Script{}
                        .has(A, running(cpu0))
                        .has(B, sleeping(kRead, cpu1))
                        .loses(cpu0, 10us, 20us, 1)  // the waker's record
                        .at(30us)
                        .switches(cpu1, idle, B)
                        .at(40us));
  CHECK(story.of(B) == "blocked in read 0-10, ? 10-30, running@1 30-40]");
}

TEST_CASE("a sleeper whom nothing contradicts sleeps through the gap") {
  const Story story(Script{}
                        .has(A, running(cpu0))
                        .has(B, sleeping(kRead, cpu1))
                        .loses(cpu0, 10us, 20us, 1)
                        .at(30us)
                        .wakes(B, on(cpu1))
                        .at(31us)
                        .switches(cpu1, idle, B)
                        .at(40us));
  CHECK(story.of(B) == "blocked in read 0-30, woken@1 30-31, running@1 31-40]");
}

TEST_CASE("a gap that lasts to the end leaves the end unknown") {
  const Story story(Script{}
                        .has(A, running(cpu0))
                        .has(B, sleeping(kRead, cpu0))
                        .loses(cpu0, 10us, 40us, 7)
                        .at(40us));
  CHECK(story.of(A) == "running@0 0-10, ? 10-40]");
  CHECK(story.of(cpu0) == "A 0-10, ? 10-40");
}

TEST_CASE("a thread that vanished in a gap ends where the gap begins") {
  const Story story(Script{}
                        .has(A, running(cpu0))
                        .has(B, sleeping(kRead, cpu0))
                        .at(5us)
                        .exits(cpu0, A)
                        .loses(cpu0, 10us, 20us, 1)  // its last switch-out among them
                        .at(20us)
                        .switches(cpu0, idle, B)
                        .at(30us)
                        .ends(B, running(cpu0)));
  CHECK(story.of(A) == "running@0 0-10");
  CHECK(story.timeline(A).end == Time{10us});
}

TEST_CASE("the gaps of a CPU are found by their times, whatever their order and overlap") {
  const std::vector<LostInterval> lost = {{cpu1, Time{50us}, Time{60us}, 1},
                                          {cpu1, Time{10us}, Time{20us}, 1},
                                          {cpu1, Time{15us}, Time{30us}, 1},
                                          {cpu0, Time{70us}, Time{80us}, 1},
                                          {cpu0, Time{0us}, Time{5us}, 0}};
  const LossMap map(lost);
  CHECK(map.first(cpu1, Time{0us}, Time{100us}) == Time{10us});
  CHECK(map.first(cpu1, Time{25us}, Time{100us}) == Time{25us});
  CHECK(map.first(cpu1, Time{30us}, Time{100us}) == Time{50us});
  CHECK_FALSE(map.first(cpu1, Time{30us}, Time{50us}));
  CHECK_FALSE(map.first(cpu1, Time{60us}, Time{100us}));
  CHECK_FALSE(map.first(cpu2, Time{0us}, Time{100us}));
  CHECK_FALSE(map.first(cpu0, Time{0us}, Time{70us}));
  CHECK(map.first_anywhere(Time{60us}, Time{100us}) == Time{70us});
  CHECK(LossMap({}).empty());
}

}  // namespace
}  // namespace observe
