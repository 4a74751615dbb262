// The workloads about locks, run without an observer: what they count must be right on any machine.
#include <algorithm>
#include <map>

#include "run_workload.h"
#include "workloads/locks/lock_table.h"
#include "workloads/locks/wait_histogram.h"

namespace observe::workloads {
namespace {

Performance performed(const std::string& name, const std::vector<std::string>& arguments) {
  auto run = perform(name, arguments);
  CAPTURE(name, run ? std::string() : run.error().text());
  REQUIRE(run);
  return *std::move(run);
}

std::size_t count(const Performance& run, MarkerKind kind) {
  return static_cast<std::size_t>(std::ranges::count(run.markers, raw(kind), &Marker::kind));
}

}  // namespace

TEST_CASE("a histogram of waits is at most one part in 64 too low") {
  WaitHistogram histogram;
  CHECK(histogram.quantile(0.5) == Nanos{0});
  for (std::int64_t ns = 1; ns <= 100'000; ++ns) histogram.add(Nanos{ns});
  histogram.add(Nanos{-5});  // a clock that went backwards counts as no wait
  CHECK(histogram.count() == 100'001);
  CHECK(histogram.longest() == Nanos{100'000});
  for (const double share : {0.001, 0.01, 0.5, 0.9, 0.999}) {
    const double exact = share * 100'000;
    const auto told = static_cast<double>(to_ns(histogram.quantile(share)));
    CHECK(told <= exact);
    CHECK(told >= exact * (1 - 1.0 / 64) - 1);
  }
  WaitHistogram other;
  other.add(std::chrono::hours{10});
  other.add(histogram);
  CHECK(other.count() == 100'002);
  CHECK(other.quantile(1) > std::chrono::minutes{9});
  CHECK(other.quantile(0.5) == histogram.quantile(0.5));
}

TEST_CASE("the convoy does its operations with both locks") {
  const Performance run =
      performed("lock-convoy", {"--ops", "500", "--threads", "3", "--section", "1us"});
  CHECK(integer(run.results.truth, "fifo_futex_ops") == 1500);
  CHECK(integer(run.results.truth, "mutex_ops") == 1500);
  CHECK(integer(run.results.truth, "fifo_futex_begin_ns") <
        integer(run.results.truth, "fifo_futex_end_ns"));
  CHECK(integer(run.results.truth, "fifo_futex_end_ns") <
        integer(run.results.truth, "mutex_end_ns"));
  const Performance one = performed("lock-convoy", {"--duration", "60ms", "--lock", "mutex"});
  CHECK(integer(one.results.truth, "mutex_ops") > 100);
  CHECK(one.results.truth.count("fifo_futex_ops") == 0);
}

TEST_CASE("spinners come to an end with every lock, and time each wait") {
  const Performance run =
      performed("lock-holder-preemption", {"--ops", "20", "--threads", "3", "--warmup", "60ms"});
  const auto& truth = run.results.truth;
  for (const std::string part : {"ticket", "spin", "ticket_yield"}) {
    CAPTURE(part);
    CHECK(integer(truth, part + "_ops") == 60);
    CHECK(integer(truth, part + "_wait_p50_ns") <= integer(truth, part + "_wait_p999_ns"));
    CHECK(integer(truth, part + "_wait_p999_ns") <= integer(truth, part + "_wait_max_ns"));
  }
  std::vector<std::int64_t> line;
  for (const auto& thread : run.results.threads)
    line.push_back(integer(thread.truth, "ticket_line"));
  CHECK(line.front() == 2);  // the first holder is the last to draw a ticket
  std::ranges::sort(line);
  CHECK(line == std::vector<std::int64_t>{0, 1, 2});
}

TEST_CASE("inversion plays its rounds, with rights or without") {
  for (const char* scale : {"realtime", "nice"}) {
    const Performance run =
        performed("priority-inversion", {"--ops", "2", "--medium", "5ms", "--scale", scale});
    const auto& truth = run.results.truth;
    for (const std::string part : {"none", "inherit"}) {
      CHECK(integer(truth, part + "_ops") == 2);
      CHECK(std::get<double>(truth.at(part + "_wait_max_ms")) >= 0);
    }
    // low and high take the lock in each round.
    CHECK(count(run, MarkerKind::kLockAcquired) == 2 * 2 * 2);
    CHECK(run.results.threads[0].role == "low");
  }
}

TEST_CASE("a deadlock finds itself, names its circle and ends") {
  for (const std::int64_t threads : {2, 4}) {
    const Performance run = performed("deadlock", {"--patience", "30ms", "--threads",
                                                   std::to_string(threads), "--warmup", "5ms"});
    const auto& truth = run.results.truth;
    CHECK(integer(truth, "deadlocks") == 1);
    CHECK(integer(truth, "cycle_length") == threads);
    CHECK(integer(truth, "ops") == threads);
    CHECK(std::get<double>(truth.at("detected_after_ms")) >= 30);
    CHECK(count(run, MarkerKind::kLockAcquired) == count(run, MarkerKind::kLockReleased));
    if (threads == 2) {
      CHECK(std::get<std::string>(truth.at("cycle")) ==
            "thread 0 wants B, held by thread 1; thread 1 wants A, held by thread 0");
    }
  }
}

TEST_CASE("locks taken in the same order never deadlock") {
  const Performance run = performed("deadlock", {"--order", "same", "--ops", "50", "--threads", "4",
                                                 "--patience", "10ms", "--section", "100us"});
  CHECK(integer(run.results.truth, "deadlocks") == 0);
  CHECK(integer(run.results.truth, "ops") == 200);
}

TEST_CASE("a deadlock that is told to stop ends when its patience does") {
  const auto begin = std::chrono::steady_clock::now();
  const auto run = perform("deadlock", {"--patience", "200ms", "--duration", "10s"},
                           [](Launched& launched) { launched.request_stop(); });
  REQUIRE(run);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{5});
  CHECK(integer(run->results.truth, "deadlocks") == 1);
}

TEST_CASE("philosophers eat with a cure, and are stuck without one") {
  const Performance run = performed(
      "dining-philosophers",
      {"--duration", "300ms", "--patience", "20ms", "--eat", "200us", "--think", "200us"});
  const auto& truth = run.results.truth;
  CHECK(integer(truth, "naive_deadlocks") == 1);
  CHECK(integer(truth, "naive_cycle_length") == 5);
  CHECK(integer(truth, "naive_ops") == 4);
  CHECK(integer(truth, "ordered_deadlocks") == 0);
  CHECK(integer(truth, "waiter_deadlocks") == 0);
  CHECK(integer(truth, "ordered_ops") > 5);
  CHECK(integer(truth, "waiter_ops") > 5);
  CHECK(count(run, MarkerKind::kOperationBegin) == count(run, MarkerKind::kOperationEnd));
}

TEST_CASE("readers never see what a writer has half done") {
  const Performance run = performed("readers-writers", {"--duration", "200ms", "--threads", "5",
                                                        "--writers", "2", "--section", "100us"});
  CHECK(integer(run.results.truth, "violations") == 0);
  CHECK(integer(run.results.truth, "readers_ops") > 0);
  CHECK(integer(run.results.truth, "writers_ops") > 0);
  CHECK(count(run, MarkerKind::kLockAcquired) ==
        static_cast<std::size_t>(integer(run.results.truth, "readers_ops") +
                                 integer(run.results.truth, "writers_ops")));
}

TEST_CASE("what locks cannot be used for is refused before anything starts") {
  struct Case {
    const char* name;
    std::vector<std::string> arguments;
    const char* says;
  };
  const Case cases[] = {
      {"lock-convoy", {"--threads", "1"}, "waits for nobody"},
      {"lock-holder-preemption", {"--threads", "1"}, "waits for nobody"},
      {"priority-inversion", {"--threads", "4"}, "low, medium and high"},
      {"priority-inversion", {"--policy", "batch"}, "a priority of its own"},
      {"priority-inversion", {"--slice-us", "1000"}, "no slice"},
      {"deadlock", {"--threads", "1"}, "takes two"},
      {"deadlock", {"--duration", "100ms"}, "--patience of thread 0"},
      {"dining-philosophers", {"--threads", "1"}, "one fork"},
      {"dining-philosophers", {"--duration", "300ms"}, "--patience"},
      {"readers-writers", {"--threads", "2", "--writers", "2"}, "no reader left"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name, c.says);
    const auto values = values_for(c.name, c.arguments);
    REQUIRE(!values);
    CHECK(values.error().text().find(c.says) != std::string::npos);
    CHECK(values.error().failure == Failure::kUsage);
  }
}

}  // namespace observe::workloads
