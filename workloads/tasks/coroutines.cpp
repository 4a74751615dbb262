#include <coroutine>
#include <exception>
#include <utility>

#include "base/check.h"
#include "workloads/tasks/cooperative.h"

namespace observe::workloads {
namespace {

class Coroutine {
 public:
  struct promise_type {
    Coroutine get_return_object() {
      return Coroutine(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };

  explicit Coroutine(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  Coroutine(Coroutine&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Coroutine& operator=(Coroutine&&) = delete;
  ~Coroutine() {
    if (handle_) handle_.destroy();
  }

  void resume() { handle_.resume(); }
  bool done() const { return handle_.done(); }

 private:
  std::coroutine_handle<promise_type> handle_;
};

Coroutine task_body(const TaskCalls& calls, std::uint32_t task) {
  // The one place where the task gives up the thread, and everybody can see it.
  while (calls.turn(task)) co_await std::suspend_always{};
}

}  // namespace

void run_coroutines(std::uint32_t tasks, const TaskCalls& calls) {
  std::vector<Coroutine> coroutines;
  coroutines.reserve(tasks);
  for (std::uint32_t task = 0; task < tasks; ++task) coroutines.push_back(task_body(calls, task));

  // Each returns to this loop, which resumes the next. Resuming it from within the one that gives
  // up would need a tail call, which no compiler promises without optimisation.
  TaskCircle circle(tasks);
  std::uint64_t from = kNoTask;
  TaskLeft left = TaskLeft::kReady;
  for (std::uint32_t task = tasks - 1; !circle.empty();) {
    task = circle.after(task);
    calls.switched(task, from, left);
    coroutines[task].resume();
    from = task;
    left = coroutines[task].done() ? TaskLeft::kFinished : TaskLeft::kReady;
    if (left == TaskLeft::kFinished) circle.finish(task);
  }
  calls.switched(kNoTask, from, left);
}

TaskBackend task_backend(std::string_view name) {
  OBSERVE_CHECK(name == "coroutine" || name == "fiber");
  return name == "fiber" ? TaskBackend::kFiber : TaskBackend::kCoroutine;
}

Result<void> run_tasks(TaskBackend backend, std::uint32_t tasks, const TaskCalls& calls) {
  OBSERVE_CHECK(tasks > 0);
  if (backend == TaskBackend::kFiber) return run_fibers(tasks, calls);
  run_coroutines(tasks, calls);
  return {};
}

}  // namespace observe::workloads
