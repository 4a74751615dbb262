// Each analysis on a story small enough to work out by hand.
#include <random>

#include "analysis/cpu_use.h"
#include "analysis/holders.h"
#include "analysis/overlap.h"
#include "analysis/parallelism.h"
#include "analysis/percentiles.h"
#include "analysis/placement.h"
#include "analysis/queue_depth.h"
#include "analysis/results.h"
#include "analysis/wording.h"
#include "unit/analysis/story.h"

namespace observe {
namespace {

TEST_CASE("percentiles are values that occurred, by nearest rank") {
  Lengths lengths;
  for (int i = 100; i >= 1; --i) lengths.add(Nanos{i}, Time{Nanos{1000 - i}});
  const report::Percentiles hundred = lengths.percentiles(Time{});
  CHECK(hundred.count == 100);
  CHECK(hundred.p50 == 50ns);
  CHECK(hundred.p90 == 90ns);
  CHECK(hundred.p99 == 99ns);
  CHECK(hundred.max == 100ns);
  CHECK(hundred.max_at == 900ns);

  Lengths three;
  three.add(7ns, Time{5ns});
  three.add(2ns, Time{9ns});
  Lengths other;
  other.add(7ns, Time{1ns});
  three.add(other);
  const report::Percentiles few = three.percentiles(Time{1ns});
  CHECK(few.p50 == 7ns);
  CHECK(few.p99 == 7ns);
  CHECK(few.max_at == 0ns);  // the first of the longest

  CHECK(other.percentiles(Time{}).p50 == 7ns);
  CHECK(Lengths().percentiles(Time{}).count == 0);
}

TEST_CASE("percentiles of many values are those of the sorted ones") {
  std::mt19937_64 random(7);
  for (const std::size_t count : {2u, 99u, 1000u, 20'000u}) {
    Lengths lengths;
    std::vector<Nanos> sorted;
    for (std::size_t i = 0; i < count; ++i) {
      const auto shift = random() % 62;
      sorted.push_back(Nanos{static_cast<std::int64_t>(random() >> (2 + shift))});
      lengths.add(sorted.back(), Time{});
    }
    std::ranges::sort(sorted);
    const report::Percentiles result = lengths.percentiles(Time{});
    const auto rank = [&](std::size_t percent) { return sorted[(count * percent + 99) / 100 - 1]; };
    CHECK(result.p50 == rank(50));
    CHECK(result.p90 == rank(90));
    CHECK(result.p99 == rank(99));
    CHECK(result.max == sorted.back());
  }
}

TEST_CASE("overlap counts how many intervals cover each moment") {
  Overlap overlap;
  overlap.add(Time{0ns}, Time{10ns});
  overlap.add(Time{10ns}, Time{20ns});
  overlap.add(Time{30ns}, Time{40ns});
  overlap.add(Time{5ns}, Time{35ns});
  overlap.add(Time{5ns}, Time{5ns});
  overlap.add(Time{35ns}, Time{40ns});
  const std::vector<Nanos> time = overlap.distribution(100ns);
  CHECK(time == std::vector<Nanos>{60ns, 15ns, 25ns});
  CHECK(overlap.distribution(100ns) == std::vector<Nanos>{100ns});
}

TEST_CASE("overlap is the same for many intervals in any order") {
  std::mt19937_64 random(5);
  Overlap overlap;
  std::vector<int> depth(30'000);
  for (int i = 0; i < 20'000; ++i) {
    const std::size_t begin = random() % 29'000;
    const std::size_t end = begin + random() % 5;
    overlap.add(Time{Nanos{static_cast<std::int64_t>(begin)}},
                Time{Nanos{static_cast<std::int64_t>(end)}});
    for (std::size_t at = begin; at < end; ++at) ++depth[at];
  }
  std::vector<int> seen(depth.size());
  overlap.for_each_stretch([&](Time begin, Time end, std::size_t level) {
    for (Time at = begin; at < end; at += 1ns) {
      seen[static_cast<std::size_t>(to_ns(at))] = static_cast<int>(level);
    }
  });
  CHECK(seen == depth);
}

// Two threads share CPU 0, each for half of the time.
Script sharing() {
  Script script;
  script.has(A, running(cpu0)).has(B, queued(cpu0));
  for (int i = 1; i < 10; ++i) {
    const bool from_a = i % 2 == 1;
    script.at(i * 10us).switches(cpu0, from_a ? A : B, from_a ? B : A);
  }
  script.at(100us);
  return script;
}

TEST_CASE("two threads on one CPU are concurrent, not parallel") {
  Script script = sharing();
  const Story story(script);
  const Parallelism both = parallelism(story.facts());
  CHECK(both.parallelism_mean == Approx(1));
  CHECK(both.concurrency_mean == Approx(2));
  CHECK(both.running == std::vector<Nanos>{0us, 100us});
  CHECK(both.runnable == std::vector<Nanos>{0us, 0us, 100us});
  CHECK(both.share_running(2) == 0);
}

TEST_CASE("two threads on two CPUs run in parallel for as long as both run") {
  const Story story(Script{}
                        .has(A, running(cpu0))
                        .has(B, running(cpu1))
                        .at(40us)
                        .switches(cpu1, B, idle, blocks(kFutex))
                        .at(100us));
  const Parallelism both = parallelism(story.facts());
  CHECK(both.parallelism_mean == Approx(1.4));
  CHECK(both.share_running(2) == Approx(0.4));
}

TEST_CASE("latency is told by cause, with the moment and the owner of the worst") {
  const Story story(Script{}
                        .has(A, running(cpu0))
                        .has(B, sleeping(kFutex, cpu0))
                        .at(10us)
                        .wakes(B, on(cpu0))
                        .at(15us)
                        .switches(cpu0, A, B)
                        .at(20us)
                        .switches(cpu0, B, A, yields())
                        .at(50us)
                        .switches(cpu0, A, B)
                        .at(60us)
                        .switches(cpu0, B, A, blocks(kFutex))
                        .at(100us));
  const RunqLatency latency = runq_latency(story.facts());
  CHECK(latency.all.count == 4);
  CHECK(latency.all.max == 30us);
  CHECK(latency.all.max_at == 50us);
  REQUIRE(latency.worst);
  CHECK(latency.worst->thread == story.ref(B));
  CHECK(latency.worst->cause == WaitCause::kYielded);
  CHECK(latency.by_cause[raw(WaitCause::kWoken)].max == 5us);
  CHECK(latency.by_cause[raw(WaitCause::kPreempted)].count == 2);
  CHECK(latency.by_cause[raw(WaitCause::kPreempted)].max == 10us);
  CHECK(latency.threads[raw(story.ref(B))].count == 2);
  CHECK(latency.clipped == 0);
}

TEST_CASE("a wait that the window cuts is counted apart: its length is not known") {
  const Story story(Script{}
                        .has(A, running(cpu0))
                        .has(B, sleeping(kFutex, cpu0))
                        .at(10us)
                        .wakes(B, on(cpu0))
                        .at(100us));
  const RunqLatency latency = runq_latency(story.facts());
  CHECK(latency.all.count == 0);
  CHECK(latency.clipped == 1);
  REQUIRE(latency.longest_clipped);
  CHECK(latency.longest_clipped->length() == 90us);
}

TEST_CASE("a wait that a loss cuts is not taken for a whole one") {
  const Story story(Script{}
                        .has(A, running(cpu0))
                        .has(B, sleeping(kFutex, cpu0))
                        .at(10us)
                        .wakes(B, on(cpu0))
                        .loses(cpu0, 20us, 30us, 1)
                        .at(30us)
                        .switches(cpu0, A, B)
                        .at(40us));
  const RunqLatency latency = runq_latency(story.facts());
  CHECK(latency.all.count == 0);
  CHECK(latency.clipped == 2);
}

TEST_CASE("run slices at the window's edges are left out") {
  Script script = sharing();
  const Story story(script);
  const RunSlices slices = run_slices(story.facts());
  CHECK(slices.all.count == 8);
  CHECK(slices.all.p50 == 10us);
  CHECK(slices.threads[raw(story.ref(A))].count == 4);
}

TEST_CASE("the run queue of a CPU is counted exactly, whoever waits") {
  const Story story(Script{}
                        .has(A, running(cpu0))
                        .has(B, queued(cpu0))
                        .has(C, sleeping(kFutex, cpu0))
                        .at(40us)
                        .wakes(C, on(cpu0))
                        .at(60us)
                        .switches(cpu0, A, B, blocks(kRead))
                        .at(100us));
  const QueueDepth depth = queue_depths(story.facts())[0];
  CHECK(depth.max == 2);
  CHECK(depth.max_at == Time{40us});
  CHECK(depth.mean == Approx(1.2));  // B 60, C 60 of 100
  CHECK(depth.not_empty == 100us);
}

TEST_CASE("the holders of a CPU are those who ran while others waited for it") {
  const Story story(Script{}
                        .has(A, running(cpu0))
                        .has(B, sleeping(kFutex, cpu0))
                        .has(C, queued(cpu0))
                        .at(10us)
                        .switches(cpu0, A, C)
                        .at(20us)
                        .wakes(B, on(cpu0))
                        .at(30us)
                        .switches(cpu0, C, A, blocks(kRead))
                        .at(50us)
                        .switches(cpu0, A, B, blocks(kRead))
                        .at(100us));
  // B waits 20-50: for C until 30, then for A. C waits 0-10 for A. A waits 10-30 for C.
  const std::vector<Holding> of_b = holders_of(story.facts(), story.ref(B));
  REQUIRE(of_b.size() == 2);
  CHECK(of_b[0].thread == story.ref(A));
  CHECK(of_b[0].time == 20us);
  CHECK(of_b[1].thread == story.ref(C));
  CHECK(of_b[1].time == 10us);
  const std::vector<Holding> all = holders(story.facts());
  REQUIRE(all.size() == 2);
  CHECK(all[0].thread == std::min(story.ref(A), story.ref(C)));
  CHECK(all[0].time == 30us);
  CHECK(all[1].time == 30us);
  const std::vector<Holding> during = holders_during(story.facts(), cpu0, Time{25us}, Time{35us});
  REQUIRE(during.size() == 2);
  CHECK(during[0].time == 5us);
}

TEST_CASE("a CPU that is idle while a thread waits for it is named as such") {
  const Story story(Script{}
                        .has(A, sleeping(kRead, cpu0))
                        .at(10us)
                        .wakes(A, on(cpu0))
                        .at(50us)
                        .switches(cpu0, idle, A)
                        .at(100us));
  const std::vector<Holding> all = holders(story.facts());
  REQUIRE(all.size() == 1);
  CHECK(all[0].kind == Holding::Kind::kIdle);
  CHECK(all[0].time == 40us);
}

TEST_CASE("utilisation is given in equal parts, also when they do not divide the window") {
  const Story story(
      Script{}.has(A, running(cpu0)).at(25us).switches(cpu0, A, idle, blocks(kRead)).at(100us));
  const std::vector<CpuUse> use = cpu_use(story.facts(), 4);
  REQUIRE(use.size() == 1);
  CHECK(use[0].busy == 25us);
  CHECK(use[0].idle == 75us);
  CHECK(use[0].targets == 25us);
  CHECK(use[0].switches == 1);
  CHECK(use[0].utilisation == std::vector<double>{1, 0, 0, 0});
  const std::vector<CpuUse> thirds = cpu_use(story.facts(), 3);
  REQUIRE(thirds[0].utilisation.size() == 3);
  CHECK(thirds[0].utilisation[0] == Approx(25.0 / 33.333));
  CHECK(thirds[0].utilisation[1] == 0);
}

TEST_CASE("migrations are told by how far the CPUs are apart") {
  const std::vector<CpuTopology> topology = {
      {.cpu = cpu0, .core = 0, .package = 0, .llc = 0, .node = 0},
      {.cpu = cpu1, .core = 0, .package = 0, .llc = 0, .node = 0},
      {.cpu = cpu2, .core = 1, .package = 0, .llc = 0, .node = 0},
      {.cpu = cpu3, .core = 0, .package = 1, .llc = 1, .node = 0},
      {.cpu = Cpu{4}, .core = 0, .package = 2, .llc = 2, .node = 1},
      {.cpu = Cpu{5}}};
  CHECK(distance_between(topology, cpu0, cpu1) == Distance::kSameCore);
  CHECK(distance_between(topology, cpu0, cpu2) == Distance::kSameLlc);
  CHECK(distance_between(topology, cpu0, cpu3) == Distance::kSameNode);
  CHECK(distance_between(topology, cpu0, Cpu{4}) == Distance::kOtherNode);
  CHECK(distance_between(topology, cpu0, Cpu{5}) == Distance::kUnknown);
  CHECK(distance_between(topology, cpu0, Cpu{77}) == Distance::kUnknown);

  HostInfo host;
  host.topology = topology;
  const Story story(Script{}
                        .host(host)
                        .has(A, queued(cpu0))
                        .at(10us)
                        .migrates(A, cpu0, cpu2)
                        .at(20us)
                        .switches(cpu2, idle, A)
                        .at(30us));
  const Placement placement = placement_of(story.facts(), story.ref(A));
  CHECK(placement.migrations == 1);
  CHECK(placement.by_distance[raw(Distance::kSameLlc)] == 1);
  REQUIRE(placement.cpus.size() == 1);
  CHECK(placement.cpus[0].run == 10us);
}

TEST_CASE("locks are told apart from sleeps, polls, pipes and disks") {
  const auto class_of = [](Syscall call, std::uint32_t state, bool compat = false) {
    return block_reason({.compat = compat, .syscall = call, .raw_state = RawState{state}})
        .block_class;
  };
  const std::uint32_t sleeps = task_bits::kInterruptible;
  const std::uint32_t disk = task_bits::kUninterruptible;
  CHECK(class_of(kFutex, sleeps) == BlockClass::kFutex);
  CHECK(class_of(Syscall{240}, sleeps, true) == BlockClass::kFutex);
  CHECK(class_of(kNanosleep, sleeps) == BlockClass::kSleep);
  CHECK(class_of(Syscall{7}, sleeps) == BlockClass::kPoll);
  CHECK(class_of(kRead, sleeps) == BlockClass::kPipe);
  CHECK(class_of(kRead, disk) == BlockClass::kIo);
  CHECK(class_of(Syscall{61}, sleeps) == BlockClass::kChild);
  CHECK(class_of(kExitCall, sleeps) == BlockClass::kExit);
  CHECK(class_of(kNoSyscall, disk) == BlockClass::kIo);
  CHECK(class_of(Syscall{99999}, sleeps) == BlockClass::kOther);
  CHECK(block_reason({.syscall = Syscall{99999}}).name == "system call 99999");
  CHECK(block_reason({.raw_state = RawState{task_bits::kStopped}}).name == "stopped");
  CHECK(block_reason({.kernel_thread = true, .syscall = kFutex}).name == "kernel thread");
}

TEST_CASE("blocking is summed by reason, the longest first, with the moment of the longest") {
  const Story story(Script{}
                        .has(A, running(cpu0))
                        .at(10us)
                        .switches(cpu0, A, idle, blocks(kFutex))
                        .at(20us)
                        .wakes(A, on(cpu0))
                        .switches(cpu0, idle, A)
                        .at(30us)
                        .switches(cpu0, A, idle, blocks(kNanosleep))
                        .at(60us)
                        .wakes(A, on(cpu0))
                        .switches(cpu0, idle, A)
                        .at(70us)
                        .switches(cpu0, A, idle, blocks(kFutex))
                        .at(75us)
                        .wakes(A, on(cpu0))
                        .switches(cpu0, idle, A)
                        .at(100us));
  const std::vector<Blocking> blocking = blocking_of(story.timeline(A));
  REQUIRE(blocking.size() == 2);
  CHECK(blocking[0].reason.name == "nanosleep");
  CHECK(blocking[0].time == 30us);
  CHECK(blocking[1].reason.name == "futex");
  CHECK(blocking[1].time == 15us);
  CHECK(blocking[1].count == 2);
  CHECK(blocking[1].longest == 10us);
  CHECK(blocking[1].longest_end == Time{20us});
}

TEST_CASE("numbers in sentences keep three digits and their unit") {
  CHECK(wording::duration(0ns) == "0 s");
  CHECK(wording::duration(999ns) == "999 ns");
  CHECK(wording::duration(1500ns) == "1.50 µs");
  CHECK(wording::duration(12'340us) == "12.3 ms");
  CHECK(wording::duration(999'960us) == "1.00 s");
  CHECK(wording::percent(0.1234) == "12.3 %");
  CHECK(wording::percent(0.0123) == "1.2 %");
  CHECK(wording::percent(0.0001) == "<0.1 %");
  CHECK(wording::percent(0) == "0.0 %");
  CHECK(wording::percent(0.9996) == ">99.9 %");
  CHECK(wording::count(1, "thread") == "1 thread");
  CHECK(wording::count(1'234'567, "event") == "1,234,567 events");
}

}  // namespace
}  // namespace observe
