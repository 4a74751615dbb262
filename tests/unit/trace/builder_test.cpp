// Merging, repairs, and what a trace hands out.
#include <random>

#include "support/catch.h"
#include "support/script.h"

namespace observe {

TEST_CASE("streams are merged by time, whatever order they were added in") {
  TraceBuilder builder;
  for (std::uint16_t cpu = 0; cpu < 5; ++cpu) {
    for (std::int64_t i = 0; i < 30'000; ++i) {
      Wakeup event{.at = time_at(i * 7 + cpu), .cpu = Cpu{cpu}, .tid = A};
      builder.add(event, event_stream(Cpu{cpu}, kSchedulerLane));
    }
  }
  const Trace trace = std::move(builder).build();
  REQUIRE(trace.count<Wakeup>() == 150'000);
  CHECK(std::ranges::is_sorted(trace.all<Wakeup>(), {}, &Wakeup::at));
  CHECK(trace.quality().clock_backwards == 0);
}

TEST_CASE("every event is visited once, in time order, and as itself") {
  std::mt19937 random(1);
  TraceBuilder builder;
  for (std::uint16_t cpu = 0; cpu < 4; ++cpu) {
    std::int64_t now = 0;
    for (int i = 0; i < 1000; ++i) {
      now += random() % 3;
      if (random() % 2 == 0) {
        builder.add(Switch{.at = time_at(now), .cpu = Cpu{cpu}, .prev = A, .next = B},
                    event_stream(Cpu{cpu}, kSchedulerLane));
      } else {
        builder.add(Migrate{.at = time_at(now), .cpu = Cpu{cpu}, .tid = B},
                    event_stream(Cpu{cpu}, kSchedulerLane));
      }
    }
  }
  const Trace trace = std::move(builder).build();
  Time last = Time::min();
  std::size_t visited = 0;
  std::array<std::size_t, 2> by_type{};
  trace.for_each([&]<class Event>(const Event& event) {
    CHECK(event.at >= last);
    last = event.at;
    ++visited;
    if constexpr (std::is_same_v<Event, Switch>) {
      CHECK(&event == &trace.all<Switch>()[by_type[0]++]);
    } else if constexpr (std::is_same_v<Event, Migrate>) {
      CHECK(&event == &trace.all<Migrate>()[by_type[1]++]);
    }
  });
  CHECK(visited == 4000);
  CHECK(trace.event_count() == 4000);
  CHECK(by_type[0] + by_type[1] == 4000);
}

TEST_CASE("at one moment lifecycle comes before scheduling, and scheduling before markers") {
  const Trace trace =
      Script{}.at(5us).marks(0, 1).switches(cpu0, idle, B).forks_thread(cpu0, A, B).build();
  std::string order;
  trace.for_each([&]<class Event>(const Event&) {
    if constexpr (std::is_same_v<Event, Fork>) order += 'F';
    if constexpr (std::is_same_v<Event, Switch>) order += 'S';
    if constexpr (std::is_same_v<Event, Marker>) order += 'M';
  });
  CHECK(order == "FSM");
}

TEST_CASE("a clock that goes backwards is counted, and order is kept") {
  TraceBuilder builder;
  const std::uint32_t stream = event_stream(cpu0, kSchedulerLane);
  builder.add(Switch{.at = time_at(100), .prev = A, .next = B}, stream);
  builder.add(Switch{.at = time_at(90), .prev = B, .next = A}, stream);
  builder.add(Switch{.at = time_at(120), .prev = A, .next = B}, stream);
  const Trace trace = std::move(builder).build();
  CHECK(trace.quality().clock_backwards == 1);
  CHECK(trace.all<Switch>()[1].prev == B);
  CHECK(trace.all<Switch>()[1].at == time_at(100));
}

TEST_CASE("lost intervals are sorted and summed") {
  const Trace trace = Script{}.at(1us).loses(cpu1, 9us, 11us, 5).loses(cpu0, 1us, 2us, 7).build();
  REQUIRE(trace.quality().lost.size() == 2);
  CHECK(trace.quality().lost[0].cpu == cpu0);
  CHECK(trace.quality().lost_events == 12);
}

TEST_CASE("an empty trace has nothing and offends nobody") {
  const Trace trace = TraceBuilder{}.build();
  CHECK(trace.event_count() == 0);
  CHECK(trace.threads().size() == 0);
  trace.for_each([](const auto&) { FAIL("there is no event"); });
}

TEST_CASE("tids beyond what a kernel gives are as good as others") {
  const Tid huge{0xffff'fffe};
  const Trace trace =
      Script{}.at(1us).switches(cpu0, idle, huge).at(2us).switches(cpu0, huge, idle).build();
  CHECK(trace.threads().size() == 1);
  CHECK(trace.all<Switch>()[1].prev_thread == trace.all<Switch>()[0].next_thread);
}

TEST_CASE("the script counts switches as the kernel does") {
  const Trace trace = Script{}
                          .has(A, running(cpu0))
                          .has(B, queued(cpu0))
                          .at(1us)
                          .switches(cpu0, A, B, yields())
                          .at(2us)
                          .switches(cpu0, B, A, blocks(kFutex))
                          .at(3us)
                          .switches(cpu0, A, idle, preempted_in_kernel(kRead).state(1))
                          .at(5us)
                          .with_last_seeds()
                          .build();
  const ThreadInfo& a = trace.threads().all()[0];
  REQUIRE(a.last);
  CHECK(a.last->nvcsw == 0);
  CHECK(a.last->nivcsw == 2);
  CHECK(a.last->run_ns == 2000);
  CHECK(trace.all<Switch>()[1].nvcsw == 1);
  CHECK(trace.end() == Time{5us});
}

}  // namespace observe
