#include "capture/lanes.h"

#include <bit>
#include <limits>
#include <numeric>
#include <vector>

#include "support/catch.h"

namespace observe {

using namespace std::chrono_literals;

TEST_CASE("by default a CPU gets at most 8 MiB, and all together at most 256 MiB") {
  for (const int cpus : {1, 2, 3, 31, 32, 33, 64, 100, 512, 1024}) {
    INFO(cpus << " CPUs");
    const auto sizes = lane_sizes(0, cpus);
    REQUIRE(sizes);
    CHECK(std::has_single_bit(sizes->sched_slots));
    CHECK(std::has_single_bit(sizes->life_slots));
    CHECK(sizes->cpus == static_cast<std::uint32_t>(cpus));
    const std::uint64_t sched_bytes = std::uint64_t{sizes->sched_slots} * sizeof(observe_record);
    CHECK(sched_bytes <= 8 << 20);
    CHECK(sched_bytes * cpus <= 256 << 20);
    CHECK(sched_bytes * 2 > std::min<std::uint64_t>(8 << 20, (256 << 20) / cpus));
  }
}

TEST_CASE("the size that was asked for is never exceeded and at least half used") {
  for (const std::uint64_t bytes : {4096u, 5000u, 1u << 20, 3u << 20, 64u << 20}) {
    INFO(bytes << " bytes");
    const auto sizes = lane_sizes(bytes, 2);
    REQUIRE(sizes);
    CHECK(sizes->sched_slots * sizeof(observe_record) <= bytes);
    CHECK(sizes->sched_slots * sizeof(observe_record) * 2 > bytes);
  }
}

TEST_CASE("more CPUs than the probes have cursors for is a clear error") {
  CHECK(lane_sizes(0, OBSERVE_MAX_CPUS));
  const auto sizes = lane_sizes(0, OBSERVE_MAX_CPUS + 1);
  REQUIRE_FALSE(sizes);
  CHECK(sizes.error().failure == Failure::kNotAllowed);
  CHECK(sizes.error().text().find("1025") != std::string::npos);
  CHECK_FALSE(lane_sizes(0, 0));
  CHECK_FALSE(lane_sizes(0, -1));
}

TEST_CASE("buffers too small or too large to exist are refused") {
  CHECK_FALSE(lane_sizes(1, 2));
  CHECK_FALSE(lane_sizes(64 * sizeof(observe_record) - 1, 2));
  CHECK(lane_sizes(64 * sizeof(observe_record), 2));
  CHECK_FALSE(lane_sizes(std::uint64_t{8} << 30, 2));
  CHECK_FALSE(lane_sizes(std::uint64_t{1} << 30, 1024));
  CHECK_FALSE(lane_sizes(std::numeric_limits<std::uint64_t>::max(), 2));
}

TEST_CASE("a small lane is looked at more often") {
  CHECK(drain_interval({.sched_slots = 131072, .life_slots = 16384, .cpus = 2}) == 20ms);
  CHECK(drain_interval({.sched_slots = 16384, .life_slots = 2048, .cpus = 2}) == 4096us);
  CHECK(drain_interval({.sched_slots = 64, .life_slots = 64, .cpus = 2}) == 1ms);
}

TEST_CASE("a reader sees what was written, up to the end of the array, and gives it back") {
  std::vector<observe_record> slots(8);
  observe_cursor cursor{};
  LaneReader lane(&cursor, slots);
  CHECK(lane.peek(100).empty());

  cursor.head = 6;
  CHECK(lane.backlog() == 6);
  CHECK(lane.peek(4).size() == 4);
  lane.release(4);
  CHECK(cursor.tail == 4);

  cursor.head = 11;  // slots 4 … 7, then 0 … 2
  REQUIRE(lane.peek(100).size() == 4);
  CHECK(lane.peek(100).data() == &slots[4]);
  lane.release(4);
  REQUIRE(lane.peek(100).size() == 3);
  CHECK(lane.peek(100).data() == &slots[0]);
  lane.release(3);
  CHECK(lane.backlog() == 0);

  cursor.dropped = 5;
  CHECK(lane.next_sequence() == 16);
}

}  // namespace observe
