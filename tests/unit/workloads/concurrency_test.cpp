// The workloads of "Concurrency and parallelism": what they count, and what they refuse.
#include <set>

#include "run_workload.h"

namespace observe::workloads {
namespace {

double real(const std::map<std::string, Fact>& truth, const std::string& name) {
  const auto found = truth.find(name);
  REQUIRE(found != truth.end());
  return std::get<double>(found->second);
}

bool flag(const std::map<std::string, Fact>& truth, const std::string& name) {
  const auto found = truth.find(name);
  REQUIRE(found != truth.end());
  return std::get<bool>(found->second);
}

std::vector<std::uint64_t> phases(const Performance& run, std::uint16_t lane) {
  std::vector<std::uint64_t> numbers;
  for (const Marker& marker : run.markers) {
    if (marker.lane == lane && marker.kind == raw(MarkerKind::kPhase)) numbers.push_back(marker.a);
  }
  return numbers;
}

std::size_t cpus() { return read_machine().allowed_cpus.size(); }

void check_refused(const std::string& name, const std::vector<std::string>& arguments,
                   const std::string& says) {
  const auto values = values_for(name, arguments);
  CAPTURE(name, says);
  REQUIRE_FALSE(values);
  CHECK(values.error().failure == Failure::kUsage);
  CHECK(values.error().text().find(says) != std::string::npos);
}

}  // namespace

TEST_CASE("spinners count their pieces of work") {
  for (const char* name : {"preemptible-spinners", "oversubscribe"}) {
    const auto run = perform(name, {"--ops", "20", "--threads", "3"});
    CAPTURE(name, run ? std::string() : run.error().text());
    REQUIRE(run);
    CHECK(integer(run->results.truth, "ops") == 60);
    for (const auto& thread : run->results.threads) {
      CHECK(thread.role == "spinner");
      CHECK(integer(thread.truth, "ops") == 20);
      // 20 pieces of 200 us; calibration errs by a few percent, emulators by more.
      CHECK(integer(thread.truth, "cpu_ns") > 1'000'000);
    }
  }
}

TEST_CASE("spinners end with their time, and tell where they were placed") {
  const auto one = perform("preemptible-spinners", {"--duration", "50ms"});
  REQUIRE(one);
  CHECK(flag(one->results.truth, "one_cpu"));
  CHECK_FALSE(flag(one->results.truth, "spread"));
  CHECK(integer(one->results.truth, "ops") > 0);
  if (cpus() < 2) return;
  const auto two = perform("preemptible-spinners", {"--duration", "50ms", "--place", "spread"});
  REQUIRE(two);
  CHECK_FALSE(flag(two->results.truth, "one_cpu"));
  CHECK(flag(two->results.truth, "spread"));
}

TEST_CASE("unless told otherwise there are twice as many threads as CPUs") {
  const auto run = perform("oversubscribe", {"--duration", "20ms"});
  REQUIRE(run);
  CHECK(run->results.threads.size() == 2 * cpus());
  CHECK(integer(run->results.truth, "cpus") == static_cast<std::int64_t>(cpus()));
  const auto one = perform("oversubscribe", {"--duration", "20ms", "--place", "one"});
  REQUIRE(one);
  CHECK(one->results.threads.size() == 2);
  CHECK(integer(one->results.truth, "cpus") == 1);
}

TEST_CASE("each round does the same work alone and shared out") {
  struct Case {
    const char* name;
    std::vector<std::string> arguments;
    std::vector<std::int64_t> shares;
    std::int64_t serial;
  };
  const Case cases[] = {
      {"fork-join", {"--threads", "3", "--unit", "1ms"}, {1'000'000, 1'000'000, 1'000'000}, 0},
      {"amdahl",
       {"--threads", "2", "--serial", "1ms", "--parallel", "4ms"},
       {2'000'000, 2'000'000},
       1'000'000},
      {"barrier-stragglers",
       {"--threads", "3", "--unit", "1ms", "--skew", "3"},
       {1'000'000, 2'000'000, 3'000'000},
       0},
      {"barrier-stragglers", {"--threads", "1", "--unit", "1ms"}, {1'000'000}, 0},
  };
  for (const Case& one : cases) {
    std::vector<std::string> arguments = one.arguments;
    arguments.insert(arguments.end(), {"--ops", "4"});
    const auto run = perform(one.name, arguments);
    CAPTURE(one.name, run ? std::string() : run.error().text());
    REQUIRE(run);
    const auto& truth = run->results.truth;
    CHECK(integer(truth, "rounds") == 4);
    CHECK(integer(truth, "serial_ns") == one.serial);
    CHECK(flag(truth, "pinned"));
    REQUIRE(run->results.threads.size() == one.shares.size());
    std::int64_t work = one.serial;
    for (std::size_t i = 0; i < one.shares.size(); ++i) {
      CHECK(integer(run->results.threads[i].truth, "share_ns") == one.shares[i]);
      work += one.shares[i];
    }
    CHECK(integer(truth, "cpus_used") ==
          static_cast<std::int64_t>(std::min(cpus(), one.shares.size())));
    // Both ways need the work's CPU time, four times; nothing is skipped.
    CHECK(integer(truth, "alone_cpu_ns") > 2 * work);
    CHECK(integer(truth, "shared_cpu_ns") > 2 * work);
    // Two clocks, which may run a little differently.
    CHECK(integer(truth, "alone_ns") + 1'000'000 >= integer(truth, "alone_cpu_ns"));
    CHECK(integer(truth, "start_ns") > 0);
    CHECK(phases(*run, 0) == std::vector<std::uint64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  }
}

TEST_CASE("a round that is cut short does not count") {
  const auto run =
      perform("fork-join", {"--ops", "1000000", "--unit", "20ms"}, [](Launched& launched) {
        pollfd nothing{.fd = -1, .events = 0, .revents = 0};
        poll(&nothing, 1, 20);
        static_cast<void>(launched);
      });
  REQUIRE(run);
  CHECK(integer(run->results.truth, "rounds") == 0);
  CHECK(integer(run->results.truth, "alone_ns") == 0);
}

TEST_CASE("rounds begin anew after a warm-up") {
  const auto run = perform("fork-join", {"--ops", "2", "--unit", "1ms", "--warmup", "50ms"});
  REQUIRE(run);
  CHECK(integer(run->results.truth, "rounds") == 2);
}

TEST_CASE("free threads pin themselves in the second half") {
  const auto run = perform("placement", {"--ops", "40", "--threads", "2"});
  REQUIRE(run);
  CHECK(integer(run->results.truth, "ops_free") == 40);
  CHECK(integer(run->results.truth, "ops_pinned") == 40);
  for (std::uint16_t lane = 0; lane < 2; ++lane) {
    CHECK(phases(*run, lane) == std::vector<std::uint64_t>{0, 1});
  }
  const auto timed = perform("placement", {"--duration", "40ms", "--warmup", "20ms"});
  REQUIRE(timed);
  CHECK(integer(timed->results.truth, "ops_free") > 0);
  CHECK(integer(timed->results.truth, "ops_pinned") > 0);
}

TEST_CASE("ping-pong plays as many round trips on one CPU as across two") {
  const auto run = perform("ping-pong", {"--ops", "200"});
  REQUIRE(run);
  const auto& truth = run->results.truth;
  CHECK(integer(truth, "one_cpu_round_trips") == 200);
  CHECK(real(truth, "one_cpu_rtt_ns") > 0);
  CHECK(integer(truth, "one_cpu_shortest_rtt_ns") > 0);
  CHECK(static_cast<double>(integer(truth, "one_cpu_shortest_rtt_ns")) <=
        real(truth, "one_cpu_rtt_ns"));
  if (cpus() < 2) {
    CHECK(truth.find("two_cpus_round_trips") == truth.end());
    CHECK(phases(*run, 0) == std::vector<std::uint64_t>{0, 1});
    return;
  }
  CHECK(integer(truth, "two_cpus_round_trips") == 200);
  CHECK(phases(*run, 0) == std::vector<std::uint64_t>{0, 1, 2});
}

TEST_CASE("ping-pong ends when it is told to, though both threads wait for each other") {
  const auto begin = std::chrono::steady_clock::now();
  const auto run = perform("ping-pong", {"--ops", "1000000000"}, [](Launched&) {
    pollfd nothing{.fd = -1, .events = 0, .revents = 0};
    poll(&nothing, 1, 50);
  });
  REQUIRE(run);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{5});
  CHECK(integer(run->results.truth, "one_cpu_round_trips") > 0);
}

TEST_CASE("counters are packed and padded in turn, and what they cost is told") {
  const auto run = perform("false-sharing", {"--duration", "40ms", "--turn", "5ms"});
  REQUIRE(run);
  const auto& truth = run->results.truth;
  for (const char* layout : {"packed", "padded"}) {
    CHECK(integer(truth, std::string(layout) + "_ops") > 0);
    CHECK(real(truth, std::string(layout) + "_ns_per_op") > 0);
  }
  const std::vector<std::uint64_t> numbers = phases(*run, 0);
  REQUIRE(numbers.size() >= 2);
  for (std::size_t i = 0; i < numbers.size(); ++i) CHECK(numbers[i] == i);
  CHECK(phases(*run, 1) == numbers);
}

TEST_CASE("the workloads refuse what is impossible, with the reason") {
  check_refused("fork-join", {"--unit", "1s"}, "one round may take 8000 ms");
  check_refused("amdahl", {"--serial", "1s", "--duration", "1s"}, "one round may take");
  check_refused("barrier-stragglers", {"--skew", "0.5"}, "skew");
  check_refused("placement", {"--place", "one"}, "first leaves its threads free");
  check_refused("ping-pong", {"--threads", "3"}, "has two");
  check_refused("ping-pong", {"--place", "one"}, "places its threads itself");
  check_refused("false-sharing", {"--threads", "9"}, "8 counters fit");
  check_refused("false-sharing", {"--turn", "600ms"}, "no room");
}

}  // namespace observe::workloads
