// Tasks that share one kernel thread and hand it to each other of their own accord: no timer, no
// interrupt, no kernel. They take turns in a circle.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "trace/events.h"

namespace observe::workloads {

enum class TaskBackend {
  kCoroutine,  // C++20 coroutines: a task keeps its variables in a frame on the heap
  kFiber,      // ucontext: a task keeps its own stack, and swapcontext(3) exchanges it
};
TaskBackend task_backend(std::string_view name);  // "coroutine" or "fiber"

struct TaskCalls {
  // One turn of a task, after which it gives up the thread; false: it has finished.
  std::function<bool(std::uint32_t task)> turn;
  // `to` runs from now on and `from` has stopped. kNoTask: no task yet, or none any more.
  std::function<void(std::uint64_t to, std::uint64_t from, TaskLeft left)> switched;
};

// Returns when all have finished. Nothing may be thrown from the calls.
Result<void> run_tasks(TaskBackend backend, std::uint32_t tasks, const TaskCalls& calls);

// Whose turn it is, in a circle of those that have not finished.
class TaskCircle {
 public:
  explicit TaskCircle(std::uint32_t tasks) : finished_(tasks), left_(tasks) {}

  void finish(std::uint32_t task) {
    finished_[task] = true;
    --left_;
  }
  bool empty() const { return left_ == 0; }
  // The next after `task`, which may be itself. Not for an empty circle.
  std::uint32_t after(std::uint32_t task) const {
    do {
      task = task + 1 == finished_.size() ? 0 : task + 1;
    } while (finished_[task]);
    return task;
  }

 private:
  std::vector<bool> finished_;
  std::size_t left_;
};

void run_coroutines(std::uint32_t tasks, const TaskCalls& calls);
Result<void> run_fibers(std::uint32_t tasks, const TaskCalls& calls);

}  // namespace observe::workloads
