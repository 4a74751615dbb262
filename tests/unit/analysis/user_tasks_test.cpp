// Tasks in user space on the kernel's timeline: stories with answers worked out by hand, and what
// holds for any markers whatever.
#include "analysis/user_tasks.h"

#include <random>

#include "analysis/summarise.h"
#include "coop_story.h"

namespace observe {
namespace {

Script one_thread(Nanos end) {
  Script script;
  script.run({.kind = RunKind::kWorkload, .name = "coop-tasks", .root_process = Pid{raw(A)}});
  script.name(A, "coop-0").has(A, running(cpu0)).has(B, queued(cpu0));
  script.workload(coop_info("coop-tasks", end, {}, {{A, "coop"}}));
  return script;
}

Nanos sum_of(const UserTask& task) {
  Nanos sum{};
  for (const Nanos time : task.by_state) sum += time;
  return sum;
}

}  // namespace

TEST_CASE("three tasks in a circle: turns, waits and who ran meanwhile") {
  Script script = one_thread(100us);
  script.at(0us).marks(0, kTaskSwitch, 0, left(kNoTask));
  script.at(10us).marks(0, kTaskSwitch, 1, left(0));
  script.at(40us).marks(0, kTaskSwitch, 2, left(1));
  script.at(45us).marks(0, kTaskSwitch, 0, left(2));
  script.at(60us).marks(0, kTaskSwitch, 1, left(0, TaskLeft::kFinished));
  script.at(70us).marks(0, kTaskSwitch, 2, left(1, TaskLeft::kBlocked));
  script.at(90us).marks(0, kTaskSwitch, kNoTask, left(2, TaskLeft::kFinished));
  script.at(100us);
  const Story story(script);
  const auto lanes = user_tasks(story.facts());
  REQUIRE(lanes.size() == 1);
  const TaskLane& lane = lanes.front();
  CHECK(lane.thread == story.ref(A));
  CHECK(lane.switches == 6);
  CHECK(lane.kernel_switches == 0);
  CHECK(lane.contradictions == 0);

  REQUIRE(lane.tasks.size() == 3);
  CHECK(lane.tasks[0].turns == 2);
  CHECK(lane.tasks[0].finished);
  CHECK(lane.tasks[0].in(TaskState::kRunning) == 25us);
  CHECK(lane.tasks[0].in(TaskState::kReady) == 35us);
  CHECK(lane.tasks[0].end == Time{60us});
  // Task 1 left to wait for something: blocked from then on, up to the lane's end.
  CHECK_FALSE(lane.tasks[1].finished);
  CHECK(lane.tasks[1].in(TaskState::kRunning) == 40us);
  CHECK(lane.tasks[1].in(TaskState::kReady) == 20us);
  CHECK(lane.tasks[1].in(TaskState::kBlocked) == 30us);
  CHECK(lane.tasks[1].end == Time{100us});
  CHECK(lane.tasks[2].in(TaskState::kReady) == 25us);

  REQUIRE(lane.waits.size() == 3);
  REQUIRE(lane.worst() != nullptr);
  CHECK(lane.worst()->task == 0);
  CHECK(lane.worst()->length() == 35us);
  CHECK(lane.worst()->end == Time{45us});
  CHECK(lane.worst()->off_cpu == 0us);
  const auto hog = lane.hog_of(*lane.worst());
  REQUIRE(hog);
  CHECK(hog->task == 1);
  CHECK(hog->run == 30us);
}

TEST_CASE("a task whose thread is preempted has the turn and waits for a CPU") {
  Script script = one_thread(100us);
  script.at(0us).marks(0, kTaskSwitch, 0, left(kNoTask));
  script.at(10us).marks(0, kTaskSwitch, 1, left(0));
  script.at(20us).switches(cpu0, A, B);
  script.at(50us).switches(cpu0, B, A);
  script.at(60us).marks(0, kTaskSwitch, 0, left(1));
  script.at(65us).switches(cpu0, A, B, blocks(kRead));
  script.at(80us).wakes(A, on(cpu0));
  script.at(90us).switches(cpu0, B, A);
  script.at(100us).marks(0, kTaskSwitch, kNoTask, left(0, TaskLeft::kFinished));
  const Story story(script);
  const auto lanes = user_tasks(story.facts());
  REQUIRE(lanes.size() == 1);
  const TaskLane& lane = lanes.front();
  CHECK(lane.kernel_switches == 2);
  REQUIRE(lane.tasks.size() == 2);
  const UserTask& zero = lane.tasks[0];
  CHECK(zero.in(TaskState::kRunning) == 25us);  // 0-10, 60-65, 90-100
  CHECK(zero.in(TaskState::kReady) == 50us);
  CHECK(zero.in(TaskState::kBlocked) == 15us);  // 65-80: its thread in read
  CHECK(zero.in(TaskState::kWaiting) == 10us);  // 80-90
  const UserTask& one = lane.tasks[1];
  CHECK(one.in(TaskState::kRunning) == 20us);
  CHECK(one.in(TaskState::kWaiting) == 30us);
  CHECK(one.in(TaskState::kReady) == 40us);  // to the lane's end
  REQUIRE(lane.waits.size() == 1);
  CHECK(lane.waits[0].length() == 50us);
  CHECK(lane.waits[0].off_cpu == 30us);
  CHECK(lane.hog_of(lane.waits[0])->run == 20us);
}

TEST_CASE("a gap in the markers is unknown, and waits do not reach across it") {
  Script script = one_thread(60us);
  script.at(0us).marks(0, kTaskSwitch, 0, left(kNoTask));
  script.at(10us).marks(0, kTaskSwitch, 1, left(0));
  // Lost: from 1 to 2.
  script.at(30us).marks(0, kTaskSwitch, 0, left(2));
  script.at(40us).marks(0, kTaskSwitch, 1, left(0));
  script.at(60us).marks(0, kTaskSwitch, kNoTask, left(1, TaskLeft::kFinished));
  const Story story(script);
  const auto lanes = user_tasks(story.facts());
  REQUIRE(lanes.size() == 1);
  CHECK(lanes[0].contradictions == 1);
  REQUIRE(lanes[0].tasks.size() == 2);  // nobody saw task 2 begin
  const UserTask& one = lanes[0].tasks[1];
  CHECK(one.in(TaskState::kUnknown) == 30us);
  CHECK(one.in(TaskState::kRunning) == 20us);
  CHECK(one.in(TaskState::kReady) == 0us);
  REQUIRE(lanes[0].waits.size() == 1);
  CHECK(lanes[0].waits[0].task == 0);
}

TEST_CASE("a number that comes back is another task, and nonsense is counted and left out") {
  Script script = one_thread(50us);
  script.at(0us).marks(0, kTaskSwitch, 7, left(kNoTask));
  script.at(10us).marks(0, kTaskSwitch, kNoTask, left(7, TaskLeft::kFinished));
  script.at(15us).marks(0, kTaskSwitch, std::uint64_t{1} << 40, left(kNoTask));
  script.at(16us).marks(0, kTaskSwitch, 7, std::uint64_t{9} << kTaskLeftBits);
  script.at(20us).marks(0, kTaskSwitch, 7, left(kNoTask));
  script.at(50us);
  const Story story(script);
  const auto lanes = user_tasks(story.facts());
  REQUIRE(lanes.size() == 1);
  CHECK(lanes[0].contradictions == 2);
  REQUIRE(lanes[0].tasks.size() == 2);
  CHECK(lanes[0].tasks[0].in(TaskState::kRunning) == 10us);
  CHECK(lanes[0].tasks[1].in(TaskState::kRunning) == 30us);
  CHECK(lanes[0].waits.empty());
}

TEST_CASE("the summary tells of user tasks only where there are some") {
  Script script = one_thread(10ms);
  const Circle circle{.tasks = 4, .rounds = 5};
  circle.tell(script);
  script.at(10ms);
  const Story story(script);
  const report::Summary summary = summarise(story.facts());
  REQUIRE(summary.user_tasks);
  REQUIRE(summary.user_tasks->threads.size() == 1);
  const report::UserTaskThread& thread = summary.user_tasks->threads.front();
  CHECK(thread.name == "coop-0");
  CHECK(thread.tasks == 4);
  CHECK(thread.switches == 20);
  CHECK(thread.waits.p50 == 300us);
  CHECK(thread.waits.count == 16);
  CHECK(thread.runs.p50 == 100us);
  REQUIRE(thread.worst);
  CHECK(thread.worst->ran == 100us);

  Script plain;
  plain.has(A, running(cpu0)).at(10us);
  CHECK_FALSE(summarise(Story(plain).facts()).user_tasks);
}

TEST_CASE(
    "run, waits, blocked and unknown of a task add up to its life, whatever the markers say") {
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto below = [&random](std::uint32_t n) { return random() % n; };
    Script script = one_thread(10ms);
    Nanos at{0};
    std::uint64_t current = kNoTask;
    bool on_cpu = true;
    const bool garbage = seed % 3 == 0;
    for (int step = 0; step < 300; ++step) {
      at += Nanos{below(20'000)};
      script.at(at);
      if (below(4) == 0) {
        if (on_cpu && below(2) == 0) {
          script.switches(cpu0, A, B, blocks(kRead)).wakes(A, on(cpu0).in_hardirq());
        } else if (on_cpu) {
          script.switches(cpu0, A, B);
        } else {
          script.switches(cpu0, B, A);
        }
        on_cpu = !on_cpu;
      } else if (on_cpu || garbage) {
        const std::uint64_t next = below(8) == 0 ? kNoTask : below(6);
        const std::uint64_t from = garbage && below(5) == 0 ? below(7) : current;
        script.marks(0, kTaskSwitch, next, left(from, static_cast<TaskLeft>(below(3))));
        current = next;
      }
    }
    const Story story(script);
    const auto lanes = user_tasks(story.facts());
    REQUIRE(lanes.size() == 1);
    Nanos run_of_tasks{};
    for (const UserTask& task : lanes[0].tasks) {
      REQUIRE(task.begin <= task.end);
      REQUIRE(sum_of(task) == task.end - task.begin);
      for (const Nanos time : task.by_state) REQUIRE(time >= 0ns);
      run_of_tasks += task.in(TaskState::kRunning);
    }
    // Turns tile the lane, and no task runs while its thread does not.
    Time before = lanes[0].turns.front().begin;
    Nanos run_of_turns{};
    for (const TaskTurn& turn : lanes[0].turns) {
      REQUIRE(turn.begin == before);
      before = turn.end;
      Nanos sum{};
      for (const Nanos time : turn.by_state) sum += time;
      REQUIRE(sum == turn.length());
      if (turn.task != kNoTask) run_of_turns += turn.in(TaskState::kRunning);
    }
    REQUIRE(run_of_tasks == run_of_turns);
    Nanos run_of_thread{};
    for (const Interval& interval : story.timeline(A).intervals) {
      if (interval.state == State::kRunning) run_of_thread += interval.length();
    }
    REQUIRE(run_of_turns <= run_of_thread);
    for (const TurnWait& wait : lanes[0].waits) {
      REQUIRE(wait.off_cpu >= 0ns);
      REQUIRE(wait.off_cpu <= wait.length());
    }
    if (!garbage) REQUIRE(lanes[0].contradictions == 0);
  }
}

}  // namespace observe
