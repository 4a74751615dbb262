#include "render/format.h"

#include <limits>
#include <numeric>
#include <random>

#include "support/catch.h"

namespace observe::render {

TEST_CASE("sums stop at what can be held") {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  CHECK(saturating_sum(2, 3) == 5);
  CHECK(saturating_sum(most, 1) == most);
  CHECK(saturating_sum(-most, -most) == std::numeric_limits<std::int64_t>::min());
}

TEST_CASE("shares by largest remainder add up to the whole") {
  const std::int64_t thirds[] = {1, 1, 1};
  CHECK(apportion(thirds, 100) == std::vector<int>{34, 33, 33});
  const std::int64_t nothing[] = {0, 0};
  CHECK(apportion(nothing, 100) == std::vector<int>{0, 0});
  const std::int64_t negative[] = {-5, 10};
  CHECK(apportion(negative, 10) == std::vector<int>{0, 10});
  CHECK(apportion({}, 10).empty());

  std::mt19937_64 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::int64_t> parts(1 + random() % 9);
    // Up to the largest values, whose sum does not fit into 64 bits.
    for (std::int64_t& part : parts)
      part = static_cast<std::int64_t>(random() >> (1 + random() % 62));
    const std::vector<int> units = apportion(parts, 1000);
    const int sum = std::accumulate(units.begin(), units.end(), 0);
    const bool any = std::any_of(parts.begin(), parts.end(), [](auto part) { return part > 0; });
    REQUIRE(sum == (any ? 1000 : 0));
  }
}

}  // namespace observe::render
