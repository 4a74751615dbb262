#include "workloads/counter/racy.h"

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "support/catch.h"
#include "workloads/frame/work_unit.h"

namespace observe::workloads {
namespace {

const std::uint8_t* code(std::uint64_t address) {
  return reinterpret_cast<const std::uint8_t*>(address);
}

// The length of a `mov`, `xchg` between a register and [register] or [register + register]: REX,
// opcode, ModRM, and SIB or displacement where the ModRM byte says so (Intel SDM, volume 2, 2.1).
std::uint64_t length_of_memory_access(const std::uint8_t* at, std::uint8_t* opcode) {
  const std::uint8_t* const begin = at;
  if ((*at & 0xf0) == 0x40) ++at;
  *opcode = *at++;
  const unsigned mode = *at >> 6;
  const unsigned rm = *at & 7;
  ++at;
  REQUIRE(mode != 3);  // a register, not memory
  if (rm == 4) ++at;
  if (mode == 1) at += 1;
  if (mode == 2) at += 4;
  return static_cast<std::uint64_t>(at - begin);
}

constexpr std::uint8_t kLoad = 0x8b;      // mov memory, register
constexpr std::uint8_t kStore = 0x89;     // mov register, memory
constexpr std::uint8_t kExchange = 0x87;  // xchg register, memory

void check_window(const RacyWindow& window, std::uint8_t store) {
  CHECK(window.load < window.begin);
  CHECK(window.begin < window.store);
  CHECK(window.store < window.end);
  std::uint8_t opcode = 0;
  CHECK(window.load + length_of_memory_access(code(window.load), &opcode) == window.begin);
  CHECK(opcode == kLoad);
  CHECK(window.store + length_of_memory_access(code(window.store), &opcode) == window.end);
  CHECK(opcode == store);
}

}  // namespace

TEST_CASE(
    "the race is one load before the window and one store at its end, whatever the compiler") {
  check_window(tagged_window(), kExchange);
  check_window(plain_window(), kStore);
}

TEST_CASE("the restartable sequence ends with its store") {
  const RacyWindow window = rseq_window();
  CHECK(window.load < window.begin);
  std::uint8_t opcode = 0;
  CHECK(window.store + length_of_memory_access(code(window.store), &opcode) == window.end);
  CHECK(opcode == kStore);
}

TEST_CASE("alone, every kind counts to the number") {
  for (const std::uint64_t window : {0, 7}) {
    for (const std::uint64_t gap : {0, 5}) {
      const Turns turns{.count = 1000, .window = window, .gap = gap};
      std::uint64_t tagged = 0;
      Overwrite last;
      CHECK(tagged_increments(&tagged, turns, 3, &last) == 1000);
      CHECK_FALSE(last.stale());
      CHECK(tagged == 1000 * kCountOne + 3);

      std::uint64_t plain = 5;
      plain_increments(&plain, turns);
      CHECK(plain == 1005);

      if (rseq_registered()) {
        std::vector<CpuCounter> counters(kMostCpus);
        std::uint64_t done = 0;
        while (done < 1000) {
          bool restarted = false;
          done += rseq_increments(counters.data(), {1000 - done, window, gap}, &restarted);
        }
        std::uint64_t sum = 0;
        for (const CpuCounter& counter : counters) sum += counter.value;
        CHECK(sum == 1000);
      }
    }
  }
}

TEST_CASE("a stale store stops the batch and tells what it overwrote") {
  // Another thread writes between this one's load and store: the window is wide enough for it.
  std::uint64_t word = 0;
  std::atomic<bool> done{false};
  std::thread writer([&] {
    while (!done.load()) std::atomic_ref(word).store(500 * kCountOne + 9);
  });
  bool seen = false;
  for (int i = 0; i < 1000 && !seen; ++i) {
    Overwrite last;
    const std::uint64_t count = tagged_increments(&word, {1000, 10'000, 0}, 3, &last);
    if (!last.stale()) continue;
    seen = true;
    CHECK(count <= 1000);
    CHECK(last.overwritten == 500 * kCountOne + 9);
  }
  done = true;
  writer.join();
  CHECK(seen);
}

TEST_CASE("work is proportional to its iterations") {
  const double ns = calibrate(spin_iterations);
  CHECK(ns > 0.01);
  CHECK(ns < 100);
  const double twice = calibrate([](std::uint64_t n) { spin_iterations(2 * n); });
  CHECK(twice / ns == Approx(2).margin(0.5));
}

}  // namespace observe::workloads
