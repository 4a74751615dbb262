#include "workloads/frame/work_unit.h"

#include <algorithm>
#include <array>

#include "workloads/frame/clock.h"

namespace observe::workloads {

[[gnu::noinline, gnu::aligned(64)]] void spin_iterations(std::uint64_t iterations) {
  asm volatile(
      "test %[n], %[n]\n\t"
      "jz 2f\n\t"
      ".p2align 5\n"
      "1:\n\t"
      "dec %[n]\n\t"
      "jnz 1b\n"
      "2:"
      : [n] "+r"(iterations)
      :
      : "cc");
}

double calibrate(const std::function<void(std::uint64_t)>& work) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 32;
  constexpr Nanos kLongEnough = std::chrono::microseconds{500};
  const auto time = [&](std::uint64_t iterations) {
    const Nanos before = thread_cpu_time();
    work(iterations);
    return thread_cpu_time() - before;
  };
  std::uint64_t iterations = 64;
  while (iterations < kMost && time(iterations) < kLongEnough) iterations *= 2;

  std::array<Nanos, 15> runs;
  for (Nanos& run : runs) run = time(iterations);
  std::ranges::sort(runs);
  return static_cast<double>(to_ns(runs[runs.size() / 3])) / static_cast<double>(iterations);
}

}  // namespace observe::workloads
