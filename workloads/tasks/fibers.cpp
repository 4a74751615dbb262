// Fibers by ucontext. glibc's swapcontext saves and restores the signal mask with a system call,
// rt_sigprocmask: each switch enters the kernel for a moment (100 to 300 ns), but the kernel
// switches no thread, which is what these tasks are to show. The cost is measured with that of the
// switch.
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "workloads/tasks/cooperative.h"

// ThreadSanitizer follows the calls of a thread and must be told that it goes on on another stack.
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace observe::workloads {
namespace {

// A stack with a page below it that nobody may touch.
class Stack {
 public:
  static constexpr std::size_t kBytes = std::size_t{64} << 10;

  Result<void> map() {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    void* const memory = mmap(nullptr, kBytes + page, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED) {
      return fail(error_from_errno("make a stack for a fiber", errno, "use fewer --tasks"));
    }
    memory_ = static_cast<std::byte*>(memory);
    size_ = kBytes + page;
    if (mprotect(memory_, page, PROT_NONE) != 0) {
      return fail(error_from_errno("protect the stack of a fiber", errno, "use fewer --tasks"));
    }
    base_ = memory_ + page;
    return {};
  }
  Stack() = default;
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;
  ~Stack() {
    if (memory_ != nullptr) munmap(memory_, size_);
  }
  std::byte* base() const { return base_; }

 private:
  std::byte* memory_ = nullptr;
  std::byte* base_ = nullptr;
  std::size_t size_ = 0;
};

// A context, and the sanitizer's idea of it.
struct Context {
  ucontext_t registers{};
#if defined(__SANITIZE_THREAD__)
  void* sanitizer = nullptr;
#endif
};

void exchange(Context& from, Context& to) {
#if defined(__SANITIZE_THREAD__)
  __tsan_switch_to_fiber(to.sanitizer, 0);
#endif
  swapcontext(&from.registers, &to.registers);
}

class Fibers {
 public:
  Fibers(std::uint32_t tasks, const TaskCalls& calls)
      : calls_(calls), circle_(tasks), fibers_(tasks), stacks_(tasks) {}
  Fibers(const Fibers&) = delete;
  Fibers& operator=(const Fibers&) = delete;

  ~Fibers() {
#if defined(__SANITIZE_THREAD__)
    for (const Context& fiber : fibers_) {
      if (fiber.sanitizer != nullptr) __tsan_destroy_fiber(fiber.sanitizer);
    }
#endif
  }

  Result<void> run() {
    for (std::size_t i = 0; i < fibers_.size(); ++i) {
      if (auto mapped = stacks_[i].map(); !mapped) return mapped;
      ucontext_t& registers = fibers_[i].registers;
      getcontext(&registers);
      registers.uc_stack.ss_sp = stacks_[i].base();
      registers.uc_stack.ss_size = Stack::kBytes;
      registers.uc_link = nullptr;  // the last one goes back by itself
      // makecontext passes arguments of type int only.
      const auto self = reinterpret_cast<std::uintptr_t>(this);
      makecontext(&registers, reinterpret_cast<void (*)()>(&Fibers::enter), 3,
                  static_cast<unsigned>(self >> 32), static_cast<unsigned>(self),
                  static_cast<unsigned>(i));
#if defined(__SANITIZE_THREAD__)
      fibers_[i].sanitizer = __tsan_create_fiber(0);
#endif
    }
#if defined(__SANITIZE_THREAD__)
    home_.sanitizer = __tsan_get_current_fiber();
#endif
    calls_.switched(0, kNoTask, TaskLeft::kReady);
    exchange(home_, fibers_[0]);
    return {};
  }

 private:
  static void enter(unsigned high, unsigned low, unsigned task) {
    const std::uintptr_t self = std::uintptr_t{high} << 32 | low;
    reinterpret_cast<Fibers*>(self)->body(task);
  }

  void body(std::uint32_t task) {
    while (calls_.turn(task)) give_up(task);
    circle_.finish(task);
    if (circle_.empty()) {
      calls_.switched(kNoTask, task, TaskLeft::kFinished);
      exchange(fibers_[task], home_);
    } else {
      const std::uint32_t next = circle_.after(task);
      calls_.switched(next, task, TaskLeft::kFinished);
      exchange(fibers_[task], fibers_[next]);
    }
  }

  void give_up(std::uint32_t task) {
    const std::uint32_t next = circle_.after(task);
    calls_.switched(next, task, TaskLeft::kReady);
    if (next != task) exchange(fibers_[task], fibers_[next]);
  }

  const TaskCalls& calls_;
  TaskCircle circle_;
  Context home_;
  std::vector<Context> fibers_;
  std::vector<Stack> stacks_;
};

}  // namespace

Result<void> run_fibers(std::uint32_t tasks, const TaskCalls& calls) {
  return Fibers(tasks, calls).run();
}

}  // namespace observe::workloads
