// A program with USDT probes, which counts how often it came to each: `marked THREADS TIMES`.
#include <sys/sdt.h>

#include <cstdint>
#include <cstdlib>
#include <thread>
#include <vector>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const long threads = std::atol(argv[1]);
  const long times = std::atol(argv[2]);
  std::vector<std::jthread> all;
  for (long thread = 0; thread < threads; ++thread) {
    all.emplace_back([times, thread] {
      for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(times); ++i) {
        DTRACE_PROBE2(observe, operation_begin, i, thread);
        DTRACE_PROBE2(marked, half, static_cast<std::int32_t>(-5), i);
        DTRACE_PROBE2(observe, operation_end, i, thread);
      }
      DTRACE_PROBE(marked, done);
    });
  }
  return 0;
}
