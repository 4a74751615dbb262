#include <fmt/format.h>

#include "run_workload.h"
#include "workloads/counter/kinds.h"

namespace observe::workloads {
namespace {

bool two_cpus() { return read_machine().allowed_cpus.size() >= 2; }

std::vector<std::string> places() {
  return two_cpus() ? std::vector<std::string>{"one", "spread"} : std::vector<std::string>{"one"};
}

}  // namespace

TEST_CASE("the ledger of the race balances to the last unit") {
  for (const std::string& place : places()) {
    for (const char* window : {"0", "300"}) {
      const auto run =
          perform("contended-counter", {"--duration", "100ms", "--place", place, "--window", window,
                                        "--gap", "100", "--threads", place == "one" ? "3" : "2"});
      CAPTURE(place, window, run ? std::string() : run.error().text());
      REQUIRE(run);
      const auto& truth = run->results.truth;
      CHECK(integer(truth, "expected") > 1000);
      CHECK(integer(truth, "expected") - integer(truth, "observed") == integer(truth, "lost"));
      CHECK(integer(truth, "ledger_sum") == integer(truth, "lost"));
      CHECK(std::get<bool>(truth.at("ledger_exact")));
      if (place == "spread") CHECK(integer(truth, "lost") > 0);
    }
  }
}

TEST_CASE("every fix loses nothing, on one CPU and on two") {
  for (const std::string& place : places()) {
    for (const char* lock :
         {"atomic", "mutex", "spin", "ticket", "fifo-futex", "sharded", "packed", "rseq"}) {
      const auto run =
          perform("contended-counter", {"--ops", "100000", "--place", place, "--lock", lock});
      CAPTURE(place, lock, run ? std::string() : run.error().text());
      REQUIRE(run);
      CHECK(integer(run->results.truth, "expected") == 2 * 100000);
      CHECK(integer(run->results.truth, "lost") == 0);
    }
  }
}

TEST_CASE("one instruction loses nothing on one CPU") {
  const auto run =
      perform("contended-counter", {"--duration", "50ms", "--lock", "incmem", "--place", "one"});
  REQUIRE(run);
  CHECK(integer(run->results.truth, "lost") == 0);
}

TEST_CASE("on one CPU every stale store leaves a marker, with its writer's tag") {
  const auto run = perform("contended-counter", {"--duration", "300ms", "--place", "one",
                                                 "--window", "900", "--gap", "100"});
  REQUIRE(run);
  const auto& truth = run->results.truth;
  CHECK(run->dropped == 0);
  CHECK(integer(truth, "stale_stores") > 0);
  REQUIRE(run->markers.size() == static_cast<std::size_t>(integer(truth, "stale_stores")));
  std::int64_t ledger = 0;
  for (const Marker& marker : run->markers) {
    CHECK(marker.kind == static_cast<std::uint16_t>(MarkerKind::kLostUpdate));
    CHECK(marker.at >= run->results.phase_begin);
    CHECK(marker.a != marker.b);
    // The last writer was somebody else.
    CHECK((marker.b & (kCountOne - 1)) != marker.lane + 1u);
    ledger += static_cast<std::int64_t>(marker.b / kCountOne) -
              static_cast<std::int64_t>(marker.a / kCountOne);
  }
  CHECK(ledger == integer(truth, "ledger_sum"));
}

TEST_CASE(
    "where threads overlap only a sample of the stale stores is marked, and its size is told") {
  if (!two_cpus()) return;
  const auto run = perform("contended-counter", {"--duration", "100ms", "--place", "spread"});
  REQUIRE(run);
  const auto& truth = run->results.truth;
  CHECK(integer(truth, "stale_stores") > 1000);
  CHECK(integer(truth, "stale_marked") < integer(truth, "stale_stores"));
  CHECK(run->markers.size() + run->dropped ==
        static_cast<std::size_t>(integer(truth, "stale_marked")));
  CHECK(integer(truth, "stale_nothing_or_less") + integer(truth, "stale_one") +
            integer(truth, "stale_below_1000") + integer(truth, "stale_more") ==
        integer(truth, "stale_stores"));
}

TEST_CASE("the option --ops counts the operations of each thread") {
  for (const char* lock : {"none", "plain", "relaxed", "mutex", "rseq", "atomic"}) {
    const auto run = perform("contended-counter", {"--ops", "12345", "--threads", "3", "--lock",
                                                   lock, "--gap", "10", "--jitter"});
    CAPTURE(lock, run ? std::string() : run.error().text());
    REQUIRE(run);
    CHECK(integer(run->results.truth, "expected") == 3 * 12345);
    for (const auto& thread : run->results.threads) CHECK(integer(thread.truth, "ops") == 12345);
  }
}

TEST_CASE("a warm-up does not count") {
  const auto begin = std::chrono::steady_clock::now();
  const auto run = perform("contended-counter", {"--ops", "1000", "--warmup", "100ms"});
  REQUIRE(run);
  CHECK(integer(run->results.truth, "expected") == 2000);
  CHECK(integer(run->results.truth, "lost") == integer(run->results.truth, "ledger_sum"));
  // The warm-up ends with its --ops, so that it may be short.
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{5});
}

TEST_CASE("a thread's books hold what the kernel says about it") {
  const auto run = perform("contended-counter", {"--duration", "200ms", "--lock", "atomic"});
  REQUIRE(run);
  CHECK(run->results.name == "contended-counter");
  REQUIRE(run->results.threads.size() == 2);
  for (const auto& thread : run->results.threads) {
    CHECK(thread.role == "counter");
    CHECK(thread.begin >= run->results.phase_begin);
    CHECK(thread.begin <= thread.end);
    CHECK(integer(thread.truth, "cpu_ns") > 0);
    CHECK(integer(thread.truth, "cpu_ns") <= to_ns(thread.end - thread.begin) + 10'000'000);
    CHECK(integer(thread.truth, "nivcsw") > 0);
  }
  CHECK(std::get<double>(run->results.truth.at("unlocked_cpu_ns_per_op")) > 0.1);
  CHECK(std::get<double>(run->results.truth.at("none_cpu_ns_per_op")) > 0.1);
  CHECK(std::get<double>(run->results.truth.at("cpu_ns_per_op")) > 0.1);
}

TEST_CASE("impossible combinations are refused before anything starts") {
  struct Case {
    std::vector<std::string> arguments;
    const char* says;
  };
  const Case cases[] = {
      {{"--lock", "atomic", "--window", "5"}, "nothing between a load and a store"},
      {{"--lock", "rseq", "--window", "200000"}, "might never come to its end"},
      {{"--lock", "mutex", "--jitter"}, "no gap"},
      {{"--lock", "mutx"}, "did you mean mutex"},
  };
  for (const Case& c : cases) {
    const auto values = values_for("contended-counter", c.arguments);
    REQUIRE(!values);
    CHECK(values.error().text().find(c.says) != std::string::npos);
    CHECK(values.error().failure == Failure::kUsage);
  }
}

}  // namespace observe::workloads
