#include "analysis/lock_use.h"

#include "lock_story.h"

namespace observe {
namespace {

void two_threads(Script& script) {
  stage_locks(script, "deadlock", {{A, "taker"}, {B, "taker"}}, 1ms, {});
}

}  // namespace

TEST_CASE("who held a lock during the longest wait, and what the holder did meanwhile") {
  Script script;
  two_threads(script);
  script.has(A, running(cpu0)).has(B, running(cpu1)).has(C, queued(cpu0));
  script.at(10us).marks(0, kWanted, 7).marks(0, kAcquired, 7);
  script.at(12us).marks(1, kWanted, 7);
  script.at(13us).switches(cpu1, B, idle, blocks(kFutex));
  script.at(20us).switches(cpu0, A, C, preempted());
  script.at(30us).switches(cpu0, C, A, preempted());
  script.at(40us).marks(0, kReleased, 7).wakes(B, on(cpu1).recorded_on(cpu0));
  script.at(42us).switches(cpu1, idle, B);
  script.at(45us).marks(1, kAcquired, 7);
  script.at(50us).marks(1, kReleased, 7);
  script.at(60us);
  const Story story(script);

  const LockUses uses = lock_use(story.facts());
  REQUIRE(uses.locks.size() == 1);
  const LockUse& use = uses.locks.front();
  CHECK(use.lock == 7);
  CHECK(use.acquisitions == 2);
  CHECK(use.abandoned == 0);
  CHECK(use.wait.max == 33us);
  CHECK(use.waited == 33us);
  CHECK(use.hold.count == 2);
  CHECK(use.hold.max == 30us);
  REQUIRE(use.longest);
  CHECK(use.longest->thread == story.ref(B));
  REQUIRE(use.longest->holders.size() == 1);
  const LockHolder& holder = use.longest->holders.front();
  CHECK(holder.thread == story.ref(A));
  CHECK(holder.held == 28us);
  CHECK(holder.running == 18us);
  CHECK(holder.waiting == 10us);
  CHECK(holder.blocked == 0us);
  CHECK(uses.circles.empty());
}

TEST_CASE("a holder that sleeps is blocked, and readers hold a lock together") {
  Script script;
  stage_locks(script, "readers-writers", {{A, "reader"}, {B, "reader"}, {C, "writer"}}, 1ms, {});
  script.has(A, running(cpu0)).has(B, running(cpu1)).has(C, running(cpu2));
  script.at(1us).marks(0, kAcquired, 0);
  script.at(2us).marks(1, kAcquired, 0);
  script.at(3us).marks(2, kWanted, 0);
  script.at(4us).switches(cpu0, A, idle, blocks(kNanosleep));
  script.at(5us).marks(1, kReleased, 0);
  script.at(9us).wakes(A, on(cpu0).in_hardirq()).switches(cpu0, idle, A);
  script.at(10us).marks(0, kReleased, 0);
  script.at(11us).marks(2, kAcquired, 0);
  script.at(20us);
  const Story story(script);

  const LockUses uses = lock_use(story.facts());
  REQUIRE(uses.locks.size() == 1);
  REQUIRE(uses.locks[0].longest);
  const auto& holders = uses.locks[0].longest->holders;
  REQUIRE(holders.size() == 2);
  CHECK(holders[0].thread == story.ref(A));
  CHECK(holders[0].held == 7us);
  CHECK(holders[0].blocked == 5us);
  CHECK(holders[1].thread == story.ref(B));
  CHECK(holders[1].held == 2us);
  CHECK(holders[1].running == 2us);
}

TEST_CASE("two locks taken in opposite orders close a circle, until one gives up") {
  Script script;
  two_threads(script);
  script.has(A, running(cpu0)).has(B, running(cpu1));
  script.at(1us).marks(0, kWanted, 0).marks(0, kAcquired, 0);
  script.at(2us).marks(1, kWanted, 1).marks(1, kAcquired, 1);
  script.at(3us).marks(0, kWanted, 1);
  script.at(4us).marks(1, kWanted, 0);
  script.at(50us).marks(0, kReleased, 0);
  script.at(51us).marks(1, kAcquired, 0);
  script.at(60us);
  const Story story(script);

  const LockUses uses = lock_use(story.facts());
  REQUIRE(uses.circles.size() == 1);
  CHECK(uses.circle_count == 1);
  const WaitCircle& circle = uses.circles.front();
  CHECK(circle.begin == Time{4us});
  CHECK(circle.end == Time{50us});
  CHECK_FALSE(circle.lasting);
  REQUIRE(circle.members.size() == 2);
  CHECK(circle.members[0].thread == story.ref(B));
  CHECK(circle.members[0].wants == 0);
  CHECK(circle.members[1].thread == story.ref(A));
  CHECK(circle.members[1].wants == 1);
  for (const LockUse& use : uses.locks) CHECK(use.abandoned == (use.lock == 1 ? 1u : 0u));
}

TEST_CASE("a circle that nobody breaks lasts until the recording ends") {
  Script script;
  two_threads(script);
  script.has(A, running(cpu0)).has(B, running(cpu1));
  script.at(1us).marks(0, kAcquired, 0).marks(1, kAcquired, 1);
  script.at(2us).marks(0, kWanted, 1).marks(1, kWanted, 0);
  script.at(80us);
  const Story story(script);
  const LockUses uses = lock_use(story.facts());
  REQUIRE(uses.circles.size() == 1);
  CHECK(uses.circles[0].lasting);
  CHECK(uses.circles[0].end == Time{80us});
  for (const LockUse& use : uses.locks) {
    REQUIRE(use.longest);  // though it has no end
    CHECK(use.longest->end == Time{80us});
    CHECK(use.wait.count == 0);
  }
}

TEST_CASE("waiting for one who waits is no circle") {
  Script script;
  stage_locks(script, "deadlock", {{A, "taker"}, {B, "taker"}, {C, "taker"}}, 1ms, {});
  script.has(A, running(cpu0)).has(B, running(cpu1)).has(C, running(cpu2));
  script.at(1us).marks(0, kAcquired, 0).marks(1, kAcquired, 1);
  script.at(2us).marks(1, kWanted, 0);
  script.at(3us).marks(2, kWanted, 1);
  script.at(9us).marks(0, kReleased, 0);
  script.at(10us).marks(1, kAcquired, 0);
  script.at(20us);
  const Story story(script);
  CHECK(lock_use(story.facts()).circles.empty());
}

TEST_CASE("markers that make no sense are survived: released twice, acquired twice, never wanted") {
  Script script;
  two_threads(script);
  script.has(A, running(cpu0)).has(B, running(cpu1));
  script.at(1us).marks(0, kReleased, 3).marks(0, kReleased, 3);
  script.at(2us).marks(0, kAcquired, 3).marks(0, kAcquired, 3).marks(0, kWanted, 3);
  script.at(3us).marks(1, kWanted, 3).marks(1, kWanted, ~std::uint64_t{0});
  script.at(4us).marks(9, kAcquired, 3);  // a lane that no thread has
  script.at(9us);
  const Story story(script);
  const LockUses uses = lock_use(story.facts());
  REQUIRE(uses.locks.size() == 2);
  for (const LockUse& use : uses.locks) {
    if (use.lock != 3) continue;
    CHECK(use.acquisitions == 2);
    CHECK(use.hold.count == 0);
  }
  // It wants what it holds itself: a circle of one.
  REQUIRE(uses.circles.size() == 1);
  CHECK(uses.circles[0].members.size() == 1);
  CHECK(lock_name(25) == "Z");
  CHECK(lock_name(26) == "#26");
}

}  // namespace observe
