// Slow devices, and the ways of waiting for them.
#include <cerrno>

#include "run_workload.h"
#include "workloads/frame/clock.h"
#include "workloads/io/devices.h"
#include "workloads/io/uring.h"

namespace observe::workloads {
namespace {

using namespace std::chrono_literals;

// Nothing where the kernel or this container allows no io_uring, which is no failure of ours.
std::optional<Uring> ring_of(unsigned entries) {
  auto ring = Uring::create(entries);
  if (!ring) {
    CAPTURE(ring.error().text());
    CHECK_FALSE(ring.error().reason.empty());
    return std::nullopt;
  }
  return *std::move(ring);
}

}  // namespace

TEST_CASE("a device answers after its latency, and not before") {
  auto devices = Devices::create(2, 2ms);
  REQUIRE(devices);
  CHECK(devices->size() == 2);
  REQUIRE(devices->set_blocking(false));
  const Time begin = now();
  const auto due = devices->request(0);
  REQUIRE(due);
  CHECK(*due >= begin + 2ms);
  CHECK(devices->take(1).value() == false);  // was not asked
  REQUIRE(devices->set_blocking(true));
  CHECK(devices->take(0).value());
  CHECK(now() >= *due);
}

TEST_CASE("an answer is overhead beyond its latency") {
  const auto overhead = measure_overhead(1ms);
  REQUIRE(overhead);
  CHECK(overhead->time > 0ns);
  CHECK(overhead->cpu > 0ns);
}

TEST_CASE("io_uring reads devices, with as many reads at once as it has room for") {
  auto ring = ring_of(4);
  if (!ring) return;
  auto devices = Devices::create(4, 1ms);
  REQUIRE(devices);
  std::uint64_t answers[4] = {};
  for (int round = 0; round < 5; ++round) {
    for (std::size_t device = 0; device < 4; ++device) {
      REQUIRE(devices->request(device));
      ring->read(devices->fd(device), &answers[device], sizeof answers[device], device);
    }
    std::uint64_t seen = 0;
    for (int done = 0; done < 4;) {
      REQUIRE(ring->enter());
      while (const auto one = ring->next_done()) {
        CHECK(one->result == 8);
        seen |= std::uint64_t{1} << one->tag;
        ++done;
      }
    }
    CHECK(seen == 0xf);
    for (const std::uint64_t answer : answers) CHECK(answer == 1);
  }
}

TEST_CASE("a read that fails is told with its error") {
  auto ring = ring_of(1);
  if (!ring) return;
  std::uint64_t answer = 0;
  ring->read(-1, &answer, sizeof answer, 7);
  REQUIRE(ring->enter());
  const auto done = ring->next_done();
  REQUIRE(done);
  CHECK(done->tag == 7);
  CHECK(done->result == -EBADF);
}

TEST_CASE("every way of waiting makes all requests, and blocking takes longest") {
  const auto run =
      perform("sync-async-io", {"--devices", "4", "--rounds", "5", "--latency", "2ms"});
  CAPTURE(run ? std::string() : run.error().text());
  REQUIRE(run);
  const auto& truth = run->results.truth;
  std::vector<std::string> ways = {"threads", "epoll"};
  if (!truth.contains("io_uring_missing")) ways.emplace_back("io_uring");
  CHECK(integer(truth, "blocking_requests") == 20);
  CHECK(integer(truth, "blocking_ns") >= 20 * 2'000'000);
  for (const std::string& way : ways) {
    CAPTURE(way);
    CHECK(integer(truth, way + "_requests") == 20);
    CHECK(integer(truth, way + "_ns") >= 5 * 2'000'000);
    CHECK(integer(truth, way + "_ns") < integer(truth, "blocking_ns"));
  }
  CHECK(run->results.threads.size() == 5);
}

TEST_CASE("one way alone starts only the threads that it needs") {
  for (const char* how : {"blocking", "threads", "epoll", "io_uring"}) {
    const auto run = perform("sync-async-io", {"--how", how, "--devices", "3", "--rounds", "2",
                                               "--latency", "1ms", "--warmup", "20ms"});
    CAPTURE(how, run ? std::string() : run.error().text());
    REQUIRE(run);
    CHECK(run->results.threads.size() == (std::string(how) == "threads" ? 4 : 1));
    const auto& truth = run->results.truth;
    if (truth.contains("io_uring_missing")) continue;
    CHECK(integer(truth, std::string(how) + "_requests") == 6);
  }
}

TEST_CASE("waiting for devices ends when it is told to") {
  for (const char* how : {"blocking", "threads", "epoll", "io_uring"}) {
    const auto begin = std::chrono::steady_clock::now();
    const auto run =
        perform("sync-async-io", {"--how", how, "--rounds", "500"}, [](Launched& launched) {
          poll(nullptr, 0, 100);
          launched.request_stop();
        });
    CAPTURE(how, run ? std::string() : run.error().text());
    CHECK(run);
    CHECK(std::chrono::steady_clock::now() - begin < 5s);
  }
}

TEST_CASE("devices that cannot be served in time are refused") {
  const auto says = [](const std::vector<std::string>& arguments) {
    const auto values = values_for("sync-async-io", arguments);
    REQUIRE(!values);
    CHECK(values.error().failure == Failure::kUsage);
    return values.error().text();
  };
  CHECK(says({"--latency", "1s", "--rounds", "100"}).find("--rounds") != std::string::npos);
  CHECK(says({"--ops", "5"}).find("--rounds") != std::string::npos);
  CHECK(says({"--threads", "4"}).find("follows from") != std::string::npos);
  CHECK(says({"--how", "epol"}).find("did you mean epoll") != std::string::npos);
}

}  // namespace observe::workloads
