// Tasks that a program schedules by itself on a kernel thread: coroutines, fibers. The kernel sees
// one thread; markers of kind kTaskSwitch tell which task it carries. Here both meet: a task runs
// when it has the turn and its thread has a CPU.
//
// What is decided here:
//  - A lane's turns tile the time from its first marker to its end: the end of the thread's phase,
//    or the last marker where that is later. Turns of kNoTask are the task scheduler's.
//  - A task lives from its first turn to the marker that says it has finished, else to the lane's
//    end. A number that comes back after it has finished is another task.
//  - Between its turns a task is ready or blocked, as the marker says how it left. No marker tells
//    when a blocked task became ready: it counts as blocked until it is switched to.
//  - A marker whose "task that ran until now" is another than the one switched to before shows that
//    markers are missing: the turn in between, and what the two tasks did meanwhile, are unknown.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "analysis/timelines.h"
#include "report/summary.h"

namespace observe {

enum class TaskState : std::uint8_t {
  kRunning,  // it has the turn, and its thread a CPU
  kReady,    // it waits for its turn
  kWaiting,  // it has the turn, and its thread waits for a CPU
  kBlocked,  // it left to wait for something, or its thread is blocked in the kernel
  kUnknown
};
inline constexpr std::size_t kTaskStates = 5;
using TaskTimes = std::array<Nanos, kTaskStates>;

struct TaskTurn {
  std::uint32_t task = 0;  // kNoTask: the task scheduler
  Time begin;
  Time end;
  TaskTimes by_state{};  // never kReady

  Nanos length() const { return end - begin; }
  Nanos in(TaskState state) const { return by_state[static_cast<std::size_t>(state)]; }
};

struct UserTask {
  std::uint32_t task = 0;
  Time begin;
  Time end;
  std::uint64_t turns = 0;
  bool finished = false;
  TaskTimes by_state{};  // adds up to end - begin

  Nanos in(TaskState state) const { return by_state[static_cast<std::size_t>(state)]; }
};

// From the moment a task gave up the turn, ready to go on, to its next turn.
struct TurnWait {
  std::uint32_t task = 0;
  Time begin;
  Time end;
  std::size_t first_turn = 0;  // [first_turn, end_turn) lie in it
  std::size_t end_turn = 0;
  Nanos off_cpu{};  // of it, the thread had no CPU

  Nanos length() const { return end - begin; }
};

// Who ran for longest within a wait.
struct TaskHog {
  std::uint32_t task = 0;
  Nanos run{};
};

struct TaskLane {
  std::uint16_t lane = 0;
  ThreadRef thread = kNoThread;
  std::vector<TaskTurn> turns;
  std::vector<UserTask> tasks;  // by their first turn
  std::vector<TurnWait> waits;  // by their end
  std::uint64_t switches = 0;   // turns that began with a marker, but for the task scheduler's
  std::uint64_t kernel_switches = 0;  // switch-outs of the thread meanwhile
  std::uint64_t contradictions = 0;   // markers that make no sense, or show that some are missing

  const TurnWait* worst() const;  // the first of the longest; null when there is none
  // Of the tasks that ran within the wait; nothing where none did.
  std::optional<TaskHog> hog_of(const TurnWait& wait) const;
};

// One for each thread with such markers, by lane.
std::vector<TaskLane> user_tasks(const Facts& facts);

report::UserTasks user_tasks_summary(const Facts& facts, const std::vector<TaskLane>& lanes);

}  // namespace observe
