#include "workloads/frame/marker_memory.h"

#include <array>

#include "support/catch.h"
#include "workloads/frame/clock.h"

namespace observe::workloads {

TEST_CASE("markers come out in the order in which they went in") {
  const auto markers = SharedMarkers::create(2);
  REQUIRE(markers);
  for (std::uint64_t i = 0; i < 100; ++i)
    (*markers)->ring(1).write(MarkerKind::kLostUpdate, i, 2 * i);
  std::array<Marker, 64> some;
  CHECK((*markers)->take(0, some) == 0);
  REQUIRE((*markers)->take(1, some) == 64);
  CHECK(some[0].a == 0);
  CHECK(some[63].b == 126);
  CHECK(some[63].lane == 1);
  CHECK(some[63].at <= now());
  CHECK((*markers)->take(1, some) == 36);
  CHECK((*markers)->take(1, some) == 0);
  CHECK((*markers)->dropped() == 0);
}

TEST_CASE("a full ring drops markers, counts them, and goes on when there is room") {
  const auto markers = SharedMarkers::create(1);
  REQUIRE(markers);
  MarkerRing& ring = (*markers)->ring(0);
  for (std::uint64_t i = 0; i < kMarkerSlots + 10; ++i) ring.write(MarkerKind::kLostUpdate, i, 0);
  CHECK((*markers)->dropped() == 10);
  std::vector<Marker> all(kMarkerSlots + 100);
  CHECK((*markers)->take(0, all) == kMarkerSlots);
  ring.write(MarkerKind::kLostUpdate, 7, 0);
  REQUIRE((*markers)->take(0, all) == 1);
  CHECK(all[0].a == 7);
}

TEST_CASE("the observer believes no index, time or count of the workload's") {
  const auto markers = SharedMarkers::create(1);
  REQUIRE(markers);
  MarkerRing& ring = (*markers)->ring(0);
  std::array<Marker, 16> some;

  // A head that is impossibly far ahead, or behind.
  for (const std::uint64_t head :
       {std::uint64_t{kMarkerSlots} + 1, ~std::uint64_t{0}, std::uint64_t{3}}) {
    ring.head.store(head);
    CHECK((*markers)->take(0, some) == 0);
  }
  const std::uint64_t refused = (*markers)->dropped();
  CHECK(refused >= 3);

  // A tail that the workload overwrote does not matter: the observer has its own.
  ring.tail.store(12345);
  ring.head.store(3);
  CHECK((*markers)->take(0, some) == 0);

  // Times before the beginning and in the future.
  const std::uint64_t head = ring.head.load();
  const auto put = [&](std::uint64_t index, std::uint64_t at) {
    ring.slots[index % kMarkerSlots] = {.at_ns = at, .kind = 65535, .reserved = {}, .a = 1, .b = 2};
  };
  put(head, 0);
  put(head + 1, ~std::uint64_t{0});
  put(head + 2, static_cast<std::uint64_t>(to_ns(now())));
  ring.head.store(head + 3);
  REQUIRE((*markers)->take(0, some) == 1);
  CHECK(some[0].kind == 65535);
  CHECK((*markers)->dropped() == refused + 2);

  // A counter of drops that would overflow the sum.
  ring.dropped.store(~std::uint64_t{0});
  CHECK((*markers)->dropped() == ~std::uint64_t{0});
}

}  // namespace observe::workloads
