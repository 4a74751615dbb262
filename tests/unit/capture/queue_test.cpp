#include <memory>
#include <thread>

#include "capture/spsc_queue.h"
#include "support/catch.h"

namespace observe {

TEST_CASE("a queue gives back what was put in, in order, and has an end") {
  SpscQueue<std::unique_ptr<int>, 4> queue;
  for (int i = 0; i < 4; ++i) {
    REQUIRE(queue.has_room());
    queue.push(std::make_unique<int>(i));
  }
  CHECK_FALSE(queue.has_room());
  queue.close();
  for (int i = 0; i < 4; ++i) {
    const auto value = queue.pop();
    REQUIRE(value);
    CHECK(**value == i);
  }
  CHECK_FALSE(queue.pop());
  CHECK_FALSE(queue.try_pop());
}

TEST_CASE("nothing gets lost between a producer and a consumer that wait for each other") {
  constexpr int kCount = 100'000;
  SpscQueue<int, 8> queue;
  std::thread producer([&] {
    for (int i = 0; i < kCount; ++i) {
      while (!queue.has_room()) std::this_thread::yield();
      queue.push(int{i});
    }
    queue.close();
  });
  int expected = 0;
  bool in_order = true;
  while (const auto value = queue.pop()) in_order &= *value == expected++;
  producer.join();
  CHECK(in_order);
  CHECK(expected == kCount);
}

}  // namespace observe
