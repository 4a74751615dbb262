#include "analysis/user_tasks.h"

#include <algorithm>
#include <map>

#include "analysis/percentiles.h"

namespace observe {
namespace {

std::size_t index_of(TaskState state) { return static_cast<std::size_t>(state); }

TaskState under_turn(State of_thread) {
  switch (of_thread) {
    case State::kRunning:
      return TaskState::kRunning;
    case State::kWaiting:
    case State::kWakeDelay:
      return TaskState::kWaiting;
    case State::kBlocked:
      return TaskState::kBlocked;
    case State::kUnknown:
      break;
  }
  return TaskState::kUnknown;
}

// What a marker says, checked: it may come from anywhere.
struct TaskSwitch {
  std::uint32_t to = 0;
  std::uint32_t from = 0;
  TaskLeft left = TaskLeft::kReady;
};

std::optional<TaskSwitch> task_switch_of(const Marker& marker) {
  const std::uint64_t left = marker.b >> kTaskLeftBits;
  if (marker.a > kNoTask || left > static_cast<std::uint64_t>(TaskLeft::kFinished)) {
    return std::nullopt;
  }
  return TaskSwitch{.to = static_cast<std::uint32_t>(marker.a),
                    .from = static_cast<std::uint32_t>(marker.b & kNoTask),
                    .left = static_cast<TaskLeft>(left)};
}

// Reads the markers of one lane in time order.
class LaneReader {
 public:
  LaneReader(const Facts& facts, std::uint16_t lane, ThreadRef thread)
      : timeline_(facts.timeline(thread)) {
    result_.lane = lane;
    result_.thread = thread;
  }

  void read(const Marker& marker) {
    const auto change = task_switch_of(marker);
    if (!change) {
      ++result_.contradictions;
      return;
    }
    const Time at = result_.turns.empty() ? marker.at : std::max(marker.at, turn().begin);
    if (!result_.turns.empty()) leave(*change, at);
    begin_turn(change->to, at);
  }

  TaskLane finish(Time end) {
    if (result_.turns.empty()) return std::move(result_);
    end = std::max(end, turn().begin);
    close_turn(end);
    if (UserTask* task = current(turn().task)) {
      add_turn(*task);
      task->end = end;
      latest_.erase(turn().task);
    }
    for (const auto& [number, index] : latest_) {
      UserTask& task = result_.tasks[index];
      if (task.finished) continue;
      task.by_state[index_of(between_[index])] += end - task.end;
      task.end = end;
    }
    const Time begin = result_.turns.front().begin;
    result_.kernel_switches = static_cast<std::uint64_t>(
        std::ranges::count_if(timeline_.intervals, [&](const Interval& interval) {
          return interval.state == State::kRunning && interval.end_switch != kNoEvent &&
                 begin <= interval.end && interval.end < end;
        }));
    add_waits();
    return std::move(result_);
  }

 private:
  TaskTurn& turn() { return result_.turns.back(); }

  // The living task of that number; null for kNoTask and those not seen.
  UserTask* current(std::uint32_t number) {
    const auto found = latest_.find(number);
    return found == latest_.end() ? nullptr : &result_.tasks[found->second];
  }

  void begin_turn(std::uint32_t number, Time at) {
    result_.turns.push_back({.task = number, .begin = at, .end = at});
    if (number == kNoTask) return;
    ++result_.switches;
    UserTask* task = current(number);
    if (task == nullptr || task->finished) {
      latest_[number] = result_.tasks.size();
      between_.push_back(TaskState::kUnknown);
      left_turn_.push_back(0);
      result_.tasks.push_back({.task = number, .begin = at, .end = at});
      return;
    }
    const std::size_t index = latest_[number];
    task->by_state[index_of(between_[index])] += at - task->end;
    if (between_[index] == TaskState::kReady) {
      result_.waits.push_back({.task = number,
                               .begin = task->end,
                               .end = at,
                               .first_turn = left_turn_[index] + 1,
                               .end_turn = result_.turns.size() - 1});
    }
    task->end = at;
  }

  void leave(const TaskSwitch& change, Time at) {
    close_turn(at);
    const bool consistent = change.from == turn().task;
    if (!consistent) {
      ++result_.contradictions;
      turn().by_state = {};
      turn().by_state[index_of(TaskState::kUnknown)] = turn().length();
    }
    if (current(turn().task) != nullptr) {
      const std::size_t index = latest_[turn().task];
      add_turn(result_.tasks[index]);
      set_left(index, consistent ? change.left : TaskLeft::kReady);
      if (!consistent) between_[index] = TaskState::kUnknown;
    }
    UserTask* const other = consistent ? nullptr : current(change.from);
    if (other == nullptr || other->finished) return;
    // It had a turn of which we do not know the beginning.
    other->by_state[index_of(TaskState::kUnknown)] += at - other->end;
    other->end = at;
    set_left(latest_[change.from], change.left);
  }

  void set_left(std::size_t index, TaskLeft left) {
    left_turn_[index] = result_.turns.size() - 1;
    result_.tasks[index].finished = left == TaskLeft::kFinished;
    between_[index] = left == TaskLeft::kBlocked ? TaskState::kBlocked : TaskState::kReady;
  }

  void add_turn(UserTask& task) {
    ++task.turns;
    task.end = turn().end;
    for (std::size_t i = 0; i < kTaskStates; ++i) task.by_state[i] += turn().by_state[i];
  }

  // What the thread did from the turn's beginning to `end`; what is not in its timeline is unknown.
  void close_turn(Time end) {
    turn().end = end;
    Nanos known{};
    while (cursor_ < timeline_.intervals.size()) {
      const Interval& interval = timeline_.intervals[cursor_];
      if (interval.begin >= end) break;
      const Nanos inside = std::min(interval.end, end) - std::max(interval.begin, turn().begin);
      if (inside > Nanos{0}) {
        turn().by_state[index_of(under_turn(interval.state))] += inside;
        known += inside;
      }
      if (interval.end > end) break;
      ++cursor_;
    }
    turn().by_state[index_of(TaskState::kUnknown)] += turn().length() - known;
  }

  void add_waits() {
    std::vector<Nanos> on_cpu(result_.turns.size() + 1);  // up to the turn
    for (std::size_t i = 0; i < result_.turns.size(); ++i) {
      on_cpu[i + 1] = on_cpu[i] + result_.turns[i].in(TaskState::kRunning);
    }
    for (TurnWait& wait : result_.waits) {
      wait.off_cpu = wait.length() - (on_cpu[wait.end_turn] - on_cpu[wait.first_turn]);
    }
  }

  const ThreadTimeline& timeline_;
  std::size_t cursor_ = 0;
  TaskLane result_;
  std::map<std::uint32_t, std::size_t> latest_;  // index into result_.tasks
  std::vector<TaskState> between_;               // by index: what a task is between its turns
  std::vector<std::size_t> left_turn_;           // by index: the turn that it left last
};

report::UserTaskThread thread_summary(const Facts& facts, const TaskLane& lane) {
  const ThreadInfo& info = facts.info(lane.thread);
  report::UserTaskThread thread{.name = info.name(),
                                .tid = raw(info.tid),
                                .tasks = lane.tasks.size(),
                                .switches = lane.switches,
                                .kernel_switches = lane.kernel_switches,
                                .contradictions = lane.contradictions};
  for (const UserTask& task : lane.tasks) {
    thread.lifetime += task.end - task.begin;
    thread.run += task.in(TaskState::kRunning);
    thread.wait_for_turn += task.in(TaskState::kReady);
    thread.wait_for_cpu += task.in(TaskState::kWaiting);
    thread.blocked += task.in(TaskState::kBlocked);
    thread.unknown += task.in(TaskState::kUnknown);
  }
  Lengths runs;
  for (const TaskTurn& turn : lane.turns) {
    if (turn.task != kNoTask) runs.add(turn.in(TaskState::kRunning), turn.end);
  }
  thread.runs = runs.percentiles(facts.trace.begin());
  Lengths waits;
  for (const TurnWait& wait : lane.waits) waits.add(wait.length(), wait.end);
  thread.waits = waits.percentiles(facts.trace.begin());
  if (const TurnWait* const worst = lane.worst()) {
    report::WorstTaskWait& told = thread.worst.emplace();
    told.task = worst->task;
    told.off_cpu = worst->off_cpu;
    if (const auto hog = lane.hog_of(*worst)) {
      told.ran_instead = hog->task;
      told.ran = hog->run;
    }
  }
  return thread;
}

}  // namespace

const TurnWait* TaskLane::worst() const {
  const auto longest = std::ranges::max_element(waits, {}, &TurnWait::length);
  return longest == waits.end() ? nullptr : &*longest;
}

std::optional<TaskHog> TaskLane::hog_of(const TurnWait& wait) const {
  std::map<std::uint32_t, Nanos> ran;
  for (std::size_t i = wait.first_turn; i < wait.end_turn; ++i) {
    if (turns[i].task != kNoTask) ran[turns[i].task] += turns[i].in(TaskState::kRunning);
  }
  const auto longest =
      std::ranges::max_element(ran, {}, [](const auto& one) { return one.second; });
  if (longest == ran.end()) return std::nullopt;
  return TaskHog{.task = longest->first, .run = longest->second};
}

std::vector<TaskLane> user_tasks(const Facts& facts) {
  std::map<std::uint16_t, std::vector<const Marker*>> markers;
  for (const Marker& marker : facts.trace.all<Marker>()) {
    if (marker.kind != raw(MarkerKind::kTaskSwitch) || marker.thread == kNoThread ||
        marker.lane == kNoLane) {
      continue;
    }
    markers[marker.lane].push_back(&marker);
  }
  std::vector<TaskLane> lanes;
  for (const auto& [lane, own] : markers) {
    LaneReader reader(facts, lane, own.front()->thread);
    for (const Marker* marker : own) reader.read(*marker);
    Time end = own.back()->at;
    const auto& workload = facts.trace.workload();
    if (workload && lane < workload->threads.size()) {
      end = std::max(end, std::min(workload->threads[lane].end, facts.trace.end()));
    }
    TaskLane read = reader.finish(end);
    if (!read.turns.empty()) lanes.push_back(std::move(read));
  }
  return lanes;
}

report::UserTasks user_tasks_summary(const Facts& facts, const std::vector<TaskLane>& lanes) {
  report::UserTasks summary;
  for (const TaskLane& lane : lanes) summary.threads.push_back(thread_summary(facts, lane));
  return summary;
}

}  // namespace observe
