// markers CPU MILLISECONDS: what a marker costs. Blocks of operations with two markers each, of the
// same without, and of markers alone take turns, while another thread drains the ring as the
// recorder does. Prints `ns_per_marker`, `operation_ns`, `slowdown` and `dropped`, a line each: the
// medians over the blocks.
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "workloads/frame/clock.h"
#include "workloads/frame/marker_memory.h"
#include "workloads/frame/work_unit.h"

namespace {

using namespace observe;
using namespace observe::workloads;

constexpr std::uint64_t kMarkersOfBlock = 4'000;   // less than a ring holds
constexpr std::uint64_t kOperationsOfBlock = 200;  // of 10 us, with two markers each
constexpr Nanos kOperation = std::chrono::microseconds{10};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values.empty() ? 0 : values[values.size() / 2];
}

template <class Work>
double time_of(Work&& work) {
  const Nanos before = thread_cpu_time();
  work();
  return static_cast<double>(to_ns(thread_cpu_time() - before));
}

void stay_on(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (pthread_setaffinity_np(pthread_self(), sizeof set, &set) != 0) {
    std::fprintf(stderr, "CPU %d cannot be used\n", cpu);
    std::exit(1);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: markers CPU MILLISECONDS\n", stderr);
    return 2;
  }
  auto markers = SharedMarkers::create(1);
  if (!markers) {
    std::fprintf(stderr, "%s\n", markers.error().text().c_str());
    return 1;
  }
  std::atomic<bool> done{false};
  std::uint64_t drained = 0;
  std::thread drain([&] {
    std::array<Marker, 4096> batch;
    while (!done.load(std::memory_order_relaxed)) {
      while (const std::size_t taken = (*markers)->take(0, batch)) drained += taken;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    while (const std::size_t taken = (*markers)->take(0, batch)) drained += taken;
  });

  stay_on(std::atoi(argv[1]));
  MarkerRing& ring = (*markers)->ring(0);
  const WorkUnit unit(calibrate(spin_iterations));
  const std::uint64_t iterations = unit.iterations(kOperation);
  std::vector<double> alone, with, without;
  std::uint64_t written = 0;
  const auto drain_pause = [] { std::this_thread::sleep_for(std::chrono::milliseconds(5)); };
  const Time end = now() + std::chrono::milliseconds(std::atol(argv[2]));
  while (now() < end) {
    alone.push_back(time_of([&] {
      for (std::uint64_t i = 0; i < kMarkersOfBlock; ++i) {
        ring.write(MarkerKind::kPhase, i, 0);
      }
    }));
    drain_pause();
    with.push_back(time_of([&] {
      for (std::uint64_t i = 0; i < kOperationsOfBlock; ++i) {
        ring.write(MarkerKind::kOperationBegin, i, 0);
        spin_iterations(iterations);
        ring.write(MarkerKind::kOperationEnd, i, 0);
      }
    }));
    without.push_back(time_of([&] {
      for (std::uint64_t i = 0; i < kOperationsOfBlock; ++i) spin_iterations(iterations);
    }));
    written += kMarkersOfBlock + 2 * kOperationsOfBlock;
  }
  done = true;
  drain.join();
  std::printf("ns_per_marker %.1f\n", median(alone) / kMarkersOfBlock);
  std::printf("operation_ns %.0f\n", median(without) / kOperationsOfBlock);
  std::printf("slowdown %.5f\n", median(with) / median(without) - 1);
  std::printf("written %llu\n", static_cast<unsigned long long>(written));
  std::printf("dropped %llu\n", static_cast<unsigned long long>((*markers)->dropped()));
  return drained + (*markers)->dropped() == written ? 0 : 1;
}
