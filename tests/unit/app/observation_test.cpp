#include "app/observation.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "support/catch.h"

namespace observe::app {
namespace {

using namespace std::chrono_literals;

void set(int fd) {
  const std::uint64_t one = 1;
  REQUIRE(write(fd, &one, sizeof one) == sizeof one);
}

// A target that ends when it is told to, or not.
class FakeTarget : public Target {
 public:
  explicit FakeTarget(bool can_end, bool obeys = true) : can_end_(can_end), obeys_(obeys) {}
  std::string name() const override { return "fake"; }
  int end_fd() const override { return ended_.get(); }
  bool ask_to_end(int number, bool) override {
    asked_with_ = number;
    if (can_end_ && obeys_) set(ended_.get());
    return can_end_;
  }
  void kill_now() override { killed_ = true; }
  int offspring_fd() const override { return offspring_.get(); }
  void tend() override {
    std::uint64_t count = 0;
    REQUIRE(read(offspring_.get(), &count, sizeof count) == sizeof count);
    ++tended_;
  }
  bool ask_leftovers_to_end() override { return leftovers_ > tended_; }

  bool can_end_, obeys_;
  UniqueFd ended_{eventfd(0, EFD_CLOEXEC)};
  UniqueFd offspring_{eventfd(0, EFD_CLOEXEC)};
  int leftovers_ = 0;
  int tended_ = 0;
  int asked_with_ = 0;
  bool killed_ = false;
};

struct Watch {
  Watch() {
    Result<EndSignals> blocked = EndSignals::block();
    REQUIRE(blocked.has_value());
    signals.emplace(std::move(*blocked));
  }
  ObservationEnd run(FakeTarget& target, std::optional<Nanos> duration = {}, Nanos grace = 10s) {
    const auto end = observe_until_end(target, *signals, failure.get(), duration, grace);
    REQUIRE(end.has_value());
    return *end;
  }
  std::optional<EndSignals> signals;
  UniqueFd failure{eventfd(0, EFD_CLOEXEC)};
};

}  // namespace

TEST_CASE("the observation ends with its target") {
  Watch watch;
  FakeTarget target(true);
  set(target.ended_.get());
  const ObservationEnd end = watch.run(target);
  CHECK(end.reason == "ended");
  CHECK_FALSE(end.at_once);
  CHECK(target.asked_with_ == 0);
}

TEST_CASE("after its duration a target that we started is asked to end") {
  Watch watch;
  FakeTarget target(true);
  CHECK(watch.run(target, 1ms).reason == "duration");
  CHECK(target.asked_with_ == SIGTERM);
  CHECK_FALSE(target.killed_);
}

TEST_CASE("after its duration a target that is not ours is left alone") {
  Watch watch;
  FakeTarget target(false);
  CHECK(watch.run(target, 1ms).reason == "duration");
  CHECK_FALSE(target.killed_);
}

TEST_CASE("a target that does not obey is killed after the grace") {
  Watch watch;
  FakeTarget target(true, false);
  CHECK(watch.run(target, 1ms, 1ms).reason == "duration");
  CHECK(target.killed_);
}

TEST_CASE("the first signal ends early and passes on which it was, the second ends at once") {
  Watch watch;
  FakeTarget target(true);
  kill(getpid(), SIGINT);
  ObservationEnd end = watch.run(target);
  CHECK(end.reason == "interrupted");
  CHECK_FALSE(end.at_once);
  CHECK(target.asked_with_ == SIGINT);

  FakeTarget stubborn(true, false);
  std::jthread signals([] {
    kill(getpid(), SIGTERM);
    std::this_thread::sleep_for(20ms);
    kill(getpid(), SIGINT);
  });
  end = watch.run(stubborn);
  CHECK(end.reason == "interrupted");
  CHECK(end.at_once);
  CHECK(stubborn.asked_with_ == SIGTERM);
}

TEST_CASE("what an ended target leaves behind is waited for, and killed after the grace") {
  Watch watch;
  FakeTarget leaves(true);
  leaves.leftovers_ = 1;
  std::jthread last([&] {
    std::this_thread::sleep_for(20ms);
    set(leaves.offspring_.get());
  });
  CHECK(watch.run(leaves, 1ms).reason == "duration");
  CHECK(leaves.tended_ == 1);
  CHECK_FALSE(leaves.killed_);

  FakeTarget stubborn(true);
  stubborn.leftovers_ = 1;
  CHECK(watch.run(stubborn, 1ms, 5ms).reason == "duration");
  CHECK(stubborn.killed_);
}

TEST_CASE("what a target leaves behind that ends by itself is not touched") {
  Watch watch;
  FakeTarget target(true);
  target.leftovers_ = 1;
  set(target.ended_.get());
  CHECK(watch.run(target).reason == "ended");
  CHECK_FALSE(target.killed_);
}

TEST_CASE("a recording that fails ends the observation and the target") {
  Watch watch;
  FakeTarget target(true);
  set(watch.failure.get());
  CHECK(watch.run(target).reason == "recording failed");
  CHECK(target.killed_);
}

}  // namespace observe::app
