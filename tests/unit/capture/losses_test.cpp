#include "capture/losses.h"

#include "support/catch.h"

namespace observe {
namespace {

observe_head record(std::uint32_t seq, std::uint64_t at) {
  return {.at = at, .seq = seq, .cpu = 3, .kind = OBSERVE_KIND_SWITCH, .flags = 0};
}

}  // namespace

TEST_CASE("records in sequence have lost nothing") {
  LossTracker tracker(Cpu{3}, time_at(100));
  for (std::uint32_t seq = 0; seq < 10; ++seq) CHECK_FALSE(tracker.see(record(seq, 200 + seq)));
  CHECK_FALSE(tracker.finish(10, time_at(1000)));
}

TEST_CASE("a number left out is a record lost between its neighbours") {
  LossTracker tracker(Cpu{3}, time_at(100));
  tracker.see(record(0, 200));
  const auto lost = tracker.see(record(8, 900));
  REQUIRE(lost);
  CHECK(lost->cpu == Cpu{3});
  CHECK(lost->from == time_at(200));
  CHECK(lost->to == time_at(900));
  CHECK(lost->count == 7);
  CHECK_FALSE(tracker.see(record(9, 901)));
}

TEST_CASE("records lost before the first lie between the beginning and it") {
  LossTracker tracker(Cpu{0}, time_at(100));
  const auto lost = tracker.see(record(2, 300));
  REQUIRE(lost);
  CHECK(lost->from == time_at(100));
  CHECK(lost->to == time_at(300));
  CHECK(lost->count == 2);
}

TEST_CASE("records lost after the last lie between it and the end") {
  LossTracker tracker(Cpu{0}, time_at(100));
  tracker.see(record(0, 200));
  const auto lost = tracker.finish(6, time_at(500));
  REQUIRE(lost);
  CHECK(lost->from == time_at(200));
  CHECK(lost->to == time_at(500));
  CHECK(lost->count == 5);
}

TEST_CASE("a lane that kept nothing has lost everything") {
  const auto lost = LossTracker(Cpu{0}, time_at(100)).finish(4, time_at(500));
  REQUIRE(lost);
  CHECK(lost->from == time_at(100));
  CHECK(lost->count == 4);
}

TEST_CASE("sequence numbers wrap around without a loss") {
  LossTracker tracker(Cpu{0}, time_at(0));
  tracker.see(record(0xfffffffe, 1));
  CHECK_FALSE(tracker.see(record(0xffffffff, 2)));
  CHECK_FALSE(tracker.see(record(0, 3)));
  const auto lost = tracker.see(record(2, 4));
  REQUIRE(lost);
  CHECK(lost->count == 1);
  CHECK_FALSE(tracker.finish((std::uint64_t{1} << 32) + 3, time_at(5)));
}

}  // namespace observe
