#include "analysis/judges/lost_updates.h"

#include "counter_story.h"

namespace observe {
namespace {

LostUpdates match(const Story& story, std::vector<Tid> tids) {
  std::vector<CounterThread> threads;
  for (const Tid tid : tids) {
    threads.push_back(
        {.ref = story.ref(tid), .begin = story.trace().begin(), .end = story.trace().end()});
  }
  return match_lost_updates(story.facts(), threads, kWindow);
}

Script two_counters() {
  Script script;
  script.has(A, running(cpu0)).has(B, queued(cpu0)).has(E, sleeping(kRead));
  script.workload(counter_info({A, B}, 100ms, counter_truth(10, 10)));
  return script;
}

}  // namespace

TEST_CASE("a stale store is matched with the preemption between load and store before it") {
  Script script = two_counters();
  script.at(4ms)
      .switches(cpu0, A, B, preempted().ip(kInside))
      .at(8ms)
      .switches(cpu0, B, A, preempted().ip(kOutside))
      .at(8001us)
      .marks(0, 1, word(10, 1), word(510, 2))
      .at(12ms);
  const Story story(script);
  const LostUpdates found = match(story, {A, B});
  CHECK(found.preemptions == 2);
  CHECK(found.in_window == 1);
  CHECK(found.matched == 1);
  CHECK(found.unmatched() == 0);
  CHECK(found.unexplained() == 0);
  REQUIRE(found.stores.size() == 1);
  CHECK(found.stores[0].thrown_away == 500);
  const Absence& cause = found.absences[found.stores[0].absence.value()];
  CHECK(cause.out == Time{4ms});
  CHECK(cause.in == Time{8ms});
}

TEST_CASE("the window begins after the load and ends with the store") {
  const auto in_window = [](std::uint64_t ip) {
    Script script = two_counters();
    script.at(4ms)
        .switches(cpu0, A, B, preempted().ip(ip))
        .at(8ms)
        .switches(cpu0, B, A, preempted().ip(kOutside))
        .at(12ms);
    return match(Story(script), {A, B}).in_window;
  };
  CHECK(in_window(kWindow.load) == 0);  // the load itself is still to come
  CHECK(in_window(kWindow.begin - 1) == 0);
  CHECK(in_window(kWindow.begin) == 1);
  CHECK(in_window(kWindow.end - 1) == 1);
  CHECK(in_window(kWindow.end) == 0);  // the store is done
}

TEST_CASE("a preemption in the window loses nothing when no other counter runs meanwhile") {
  Script script = two_counters();
  script.at(4ms)
      .wakes(E, on(cpu0))
      .switches(cpu0, A, E, preempted().ip(kInside))
      .at(5ms)
      .switches(cpu0, E, A, blocks(kRead))
      .at(12ms);
  const LostUpdates found = match(Story(script), {A, B});
  CHECK(found.absences.size() == 1);
  CHECK(found.preemptions == 0);
  CHECK(found.in_window == 0);
}

TEST_CASE("a second interruption in the same window does not hide the first") {
  Script script = two_counters();
  script.at(4ms)
      .switches(cpu0, A, B, preempted().ip(kInside))
      .at(8ms)
      .switches(cpu0, B, A, preempted().ip(kOutside))
      .at(8001us)
      .wakes(E, on(cpu0))
      .switches(cpu0, A, E, preempted().ip(kInside))
      .at(8100us)
      .switches(cpu0, E, A, blocks(kRead))
      .at(8101us)
      .marks(0, 1, word(10, 1), word(510, 2))
      .at(12ms);
  const LostUpdates found = match(Story(script), {A, B});
  CHECK(found.matched == 1);
  CHECK(found.absences[found.stores[0].absence.value()].out == Time{4ms});
}

TEST_CASE("one preemption explains one stale store only") {
  Script script = two_counters();
  script.at(4ms)
      .switches(cpu0, A, B, preempted().ip(kInside))
      .at(8ms)
      .switches(cpu0, B, A, preempted().ip(kOutside))
      .at(8001us)
      .marks(0, 1, word(10, 1), word(510, 2))
      .at(8002us)
      .marks(0, 1, word(11, 1), word(600, 2))
      .at(12ms);
  const LostUpdates found = match(Story(script), {A, B});
  CHECK(found.matched == 1);
  CHECK(found.unmatched() == 1);
}

TEST_CASE("a stale store after a preemption elsewhere has no cause") {
  Script script = two_counters();
  script.at(4ms)
      .switches(cpu0, A, B, preempted().ip(kInside))
      .at(8ms)
      .switches(cpu0, B, A, preempted().ip(kInside))
      .at(12ms)
      .switches(cpu0, A, B, preempted().ip(kOutside))
      .at(16ms)
      .switches(cpu0, B, A, preempted().ip(kOutside))
      .at(16001us)
      .marks(0, 1, word(10, 1), word(510, 2))
      .at(20ms);
  const LostUpdates found = match(Story(script), {A, B});
  // By 12 ms A had stored what it had loaded before 4 ms.
  CHECK(found.matched == 0);
  CHECK(found.unmatched() == 1);
  CHECK(found.unexplained() == 2);
}

TEST_CASE("a system call in progress is not a place in the window") {
  Script script = two_counters();
  script.at(4ms)
      .switches(cpu0, A, B, preempted_in_kernel(kRead).ip(kInside))
      .at(8ms)
      .switches(cpu0, B, A, preempted().ip(kOutside))
      .at(12ms);
  const LostUpdates found = match(Story(script), {A, B});
  CHECK(found.preemptions == 2);
  CHECK(found.in_window == 0);
}

TEST_CASE("a return that was not recorded leaves its stale store with its cause") {
  Script script = two_counters();
  // A comes back at some time between 8 and 12 ms, which only its own next switch-out tells.
  script.at(4ms).switches(cpu0, A, B, preempted().ip(kInside));
  script.at(8ms).wakes(E, on(cpu0)).switches(cpu0, B, E, preempted().ip(kOutside));
  script.at(9ms).marks(0, 1, word(10, 1), word(510, 2));
  script.at(12ms).switches(cpu0, A, B, preempted().ip(kOutside)).at(16ms);
  const Story story(script);
  CAPTURE(story.of(A), story.of(B));
  const LostUpdates found = match(story, {A, B});
  CHECK(found.matched == 1);
  CHECK(found.unmatched() == 0);
}

TEST_CASE("markers of lanes that no thread has are ignored") {
  Script script = two_counters();
  script.at(4ms).marks(7, 1, word(1, 1), word(2, 2)).marks(0, 999, 1, 2).at(5ms);
  CHECK(match(Story(script), {A, B}).stores.empty());
}

}  // namespace observe
