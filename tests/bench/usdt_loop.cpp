// usdt_loop CPU TIMES FILE: comes to a USDT probe again and again, and writes the nanoseconds of
// CPU time per time into FILE.
#include <pthread.h>
#include <sched.h>
#include <sys/sdt.h>
#include <time.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: usdt_loop CPU TIMES FILE\n", stderr);
    return 2;
  }
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(std::atoi(argv[1]), &set);
  const long times = std::atol(argv[2]);
  if (times <= 0 || pthread_setaffinity_np(pthread_self(), sizeof set, &set) != 0) return 1;
  const double before = cpu_seconds();
  for (long i = 0; i < times; ++i) DTRACE_PROBE2(observe, operation_begin, i, 0);
  const double each = (cpu_seconds() - before) / static_cast<double>(times) * 1e9;
  std::FILE* file = std::fopen(argv[3], "w");
  if (file == nullptr || std::fprintf(file, "%.1f\n", each) < 0 || std::fclose(file) != 0) return 1;
  return 0;
}
