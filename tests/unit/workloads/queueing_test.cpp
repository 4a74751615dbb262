// The arithmetic of the workloads about throughput and latency, and their books.
#include <algorithm>
#include <cmath>
#include <thread>

#include "run_workload.h"
#include "workloads/queueing/recursion.h"
#include "workloads/queueing/schedule.h"

namespace observe::workloads {
namespace {

using namespace std::chrono_literals;

Time at(Nanos after) { return Time{after}; }

double real(const std::map<std::string, Fact>& truth, const std::string& name) {
  const auto found = truth.find(name);
  REQUIRE(found != truth.end());
  return std::get<double>(found->second);
}

}  // namespace

TEST_CASE("exponential times have their mean, and no bits make one that is none") {
  CHECK(exponential(0, 300) == 0);
  CHECK(std::isfinite(exponential(~std::uint64_t{0}, 300)));
  CHECK(exponential(~std::uint64_t{0}, 1) < 44);
  CHECK(std::abs(exponential(std::uint64_t{1} << 63, 300) - 300 * std::log(2)) < 1e-9);
  double sum = 0;
  constexpr int kSteps = 10000;
  for (int i = 0; i < kSteps; ++i) {
    sum += exponential((std::uint64_t(i) << 1 | 1) * (~std::uint64_t{0} / kSteps / 2), 300);
  }
  CHECK(std::abs(sum / kSteps - 300) < 1);
}

TEST_CASE("Lindley's recursion by hand") {
  CHECK(lindley_latencies({}) == 0us);
  // Waits of 0, 6 and 0: who comes after everybody has left waits for nobody.
  const Request requests[] = {{at(10us), 10us}, {at(14us), 3us}, {at(50us), 5us}};
  CHECK(lindley_latencies(requests) == 10us + 9us + 5us);
}

TEST_CASE("a room with places is replayed by hand") {
  const Time arrivals[] = {at(0us), at(2us), at(4us), at(11us), at(12us)};
  const Nanos services[] = {10us, 10us, 10us, 10us, 10us};
  // Room for one: those at 2, 4 and 12 find it taken.
  CHECK(replay_room(arrivals, services, 1) == 3);
  // For two: at 4 both places are taken; at 11 one has left; at 12 it is full again.
  CHECK(replay_room(arrivals, services, 2) == 2);
  CHECK(replay_room(arrivals, services, 5) == 0);
  // Who leaves at the moment at which another one comes makes room.
  const Time meet[] = {at(0us), at(10us)};
  CHECK(replay_room(meet, services, 1) == 0);
  CHECK(replay_room({}, {}, 1) == 0);
}

TEST_CASE("batching works off every item, in both halves") {
  const auto run = perform("batching", {"--ops", "96", "--batch", "8", "--apart", "300us"});
  CAPTURE(run ? std::string() : run.error().text());
  REQUIRE(run);
  const auto& truth = run->results.truth;
  CHECK(integer(truth, "alone_items") == 96);
  CHECK(integer(truth, "alone_batches") == 96);
  CHECK(integer(truth, "batched_items") == 96);
  CHECK(integer(truth, "batched_batches") == 12);
  // An item in a batch waits for the others, 3.5 intervals in the mean, whatever else happens.
  CHECK(real(truth, "batched_mean_latency_ns") > 3.5 * 300'000);
  CHECK(run->markers.size() == 2 + 2 * 2 * 96);
}

TEST_CASE("open-loop draws the same requests from the same seed, and serves all of them") {
  const auto run = perform("open-loop", {"--ops", "200", "--rho", "0.7"});
  const auto again = perform("open-loop", {"--ops", "200", "--rho", "0.7"});
  CAPTURE(run ? std::string() : run.error().text());
  REQUIRE(run);
  REQUIRE(again);
  const auto& truth = run->results.truth;
  CHECK(integer(truth, "requests") == 200);
  CHECK(integer(truth, "not_served") == 0);
  CHECK(real(truth, "mean_drawn_ns") == real(again->results.truth, "mean_drawn_ns"));
  CHECK(real(truth, "mean_drawn_ns") > 200'000);
  CHECK(real(truth, "mean_drawn_ns") < 400'000);
  // No server is faster than one that always has its CPU.
  CHECK(real(truth, "mean_latency_ns") >= real(truth, "lindley_mean_ns"));
  CHECK(real(truth, "lindley_mean_ns") >= real(truth, "mean_service_ns"));
  REQUIRE(run->markers.size() == 2 * 200);
  for (std::size_t i = 0; i < run->markers.size(); i += 2) {
    CHECK(run->markers[i].b == run->markers[i + 1].b);
    CHECK(run->markers[i].b <= static_cast<std::uint64_t>(to_ns(run->markers[i].at)));
  }
}

TEST_CASE("open-loop ends with its server, with a spinner and after a warm-up") {
  const auto begin = std::chrono::steady_clock::now();
  const auto run = perform("open-loop", {"--ops", "50", "--spinner", "--warmup", "30ms"});
  CAPTURE(run ? std::string() : run.error().text());
  REQUIRE(run);
  CHECK(integer(run->results.truth, "requests") == 50);
  REQUIRE(run->results.threads.size() == 2);
  CHECK(run->results.threads[1].role == "spinner");
  CHECK(std::chrono::steady_clock::now() - begin < 5s);
}

TEST_CASE("everybody who comes to the waiting room is served or turned away") {
  const auto run = perform(
      "waiting-room", {"--ops", "400", "--room", "2", "--service-mean", "100us", "--rho", "1.5"});
  CAPTURE(run ? std::string() : run.error().text());
  REQUIRE(run);
  const auto& truth = run->results.truth;
  CHECK(integer(truth, "arrivals") == 400);
  CHECK(integer(truth, "served") + integer(truth, "lost") == 400);
  CHECK(integer(truth, "lost") > 50);
  CHECK(integer(truth, "replay_lost") > 50);
  CHECK(run->markers.size() == 2 * 400);
  const auto turned_away = std::ranges::count_if(run->markers, [](const Marker& marker) {
    return marker.kind == raw(MarkerKind::kOperationBegin) && marker.b == 0;
  });
  CHECK(turned_away == integer(truth, "lost"));
}

TEST_CASE("a buffer loses nothing and keeps the order, whatever its size") {
  for (const char* capacity : {"1", "3", "1000"}) {
    const auto run =
        perform("producer-consumer", {"--ops", "5000", "--capacity", capacity, "--work", "100ns"});
    CAPTURE(capacity, run ? std::string() : run.error().text());
    REQUIRE(run);
    const auto& truth = run->results.truth;
    CHECK(integer(truth, "together_items") == 5000);
    if (read_machine().allowed_cpus.size() > 1) CHECK(integer(truth, "apart_items") == 5000);
    CHECK(integer(truth, "lost") == 0);
    CHECK(integer(truth, "out_of_order") == 0);
  }
}

TEST_CASE("every token of the herd is taken once") {
  const auto run =
      perform("thundering-herd", {"--ops", "40", "--threads", "5", "--period", "500us"});
  CAPTURE(run ? std::string() : run.error().text());
  REQUIRE(run);
  const auto& truth = run->results.truth;
  CHECK(integer(truth, "tokens_to_one") == 40);
  CHECK(integer(truth, "tokens_to_all") == 40);
  CHECK(integer(truth, "taken") == 80);
  CHECK(integer(truth, "left_over") == 0);
  // One for a token, then all five.
  CHECK(integer(truth, "woken") >= 80);
  CHECK(integer(truth, "woken") <= 40 + 5 * 40);
}

TEST_CASE("workloads about queues end when they are told to") {
  for (const char* name :
       {"batching", "open-loop", "waiting-room", "producer-consumer", "thundering-herd"}) {
    const auto begin = std::chrono::steady_clock::now();
    const auto run = perform(name, {"--duration", "20s"}, [](Launched& launched) {
      std::this_thread::sleep_for(100ms);
      launched.request_stop();
    });
    CAPTURE(name, run ? std::string() : run.error().text());
    CHECK(run);
    CHECK(std::chrono::steady_clock::now() - begin < 5s);
  }
}

TEST_CASE("impossible queues are refused before anything starts") {
  struct Case {
    const char* name;
    std::vector<std::string> arguments;
    const char* says;
  };
  const Case cases[] = {
      {"batching", {"--work", "300us"}, "faster than they can be worked off"},
      {"batching", {"--ops", "100", "--batch", "16"}, "no whole number of batches"},
      {"batching", {"--duration", "5ms"}, "no batch is filled"},
      {"batching", {"--threads", "2"}, "one consumer"},
      {"open-loop", {"--rho", "1"}, "too much"},
      {"open-loop", {"--threads", "3"}, "one server"},
      {"open-loop", {"--spinner", "--place", "free"}, "share one CPU"},
      {"open-loop", {"--duration", "60m"}, "a million"},
      {"waiting-room", {"--room", "0"}, "too little"},
      {"waiting-room", {"--ops", "2000000"}, "a million"},
      {"producer-consumer", {"--threads", "3"}, "one producer and one consumer"},
      {"thundering-herd", {"--period", "900ms"}, "no token"},
  };
  for (const Case& c : cases) {
    const auto values = values_for(c.name, c.arguments);
    CAPTURE(c.name, c.says);
    REQUIRE(!values);
    CAPTURE(values.error().text());
    CHECK(values.error().text().find(c.says) != std::string::npos);
    CHECK(values.error().failure == Failure::kUsage);
  }
}

}  // namespace observe::workloads
