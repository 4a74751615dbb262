// The facts of a trace, one type per kind of event. What they mean is decided by analyses.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "base/units.h"

namespace observe {

// Raw bits of the kernel's task state, as sched_switch passes them; see task_state.h.
enum class RawState : std::uint32_t {};

// A system call number in the ABI of the thread, or kNoSyscall: the thread entered the kernel by
// an interrupt or an exception.
enum class Syscall : std::int32_t {};
inline constexpr Syscall kNoSyscall{-1};

enum class WakeContext : std::uint8_t { kUnknown, kThread, kSoftirq, kHardirq };

// Every event type has `at`, `cpu` (where it was recorded) and tids as the kernel saw them. The
// fields of type ThreadRef are filled in by the TraceBuilder, which knows who a tid was then.

struct Switch {
  Time at;
  Cpu cpu{};
  bool preempt = false;        // the tracepoint's argument; does not mean "involuntary"
  bool kernel_thread = false;  // prev has no user registers
  bool compat = false;         // syscall is a 32-bit number
  Tid prev{};
  Tid next{};
  RawState prev_state{};
  Syscall syscall = kNoSyscall;  // of prev
  std::uint64_t user_ip = 0;     // of prev; the next instruction it will execute in user mode
  std::int16_t prev_prio = 0;
  std::int16_t next_prio = 0;
  std::uint16_t nvcsw = 0;  // low bits of prev's counters, this switch included
  std::uint16_t nivcsw = 0;
  ThreadRef prev_thread = kNoThread;  // kNoThread: the idle task
  ThreadRef next_thread = kNoThread;
};

// sched_waking: the waker decides to wake a thread.
struct Waking {
  Time at;
  Cpu cpu{};
  WakeContext context = WakeContext::kUnknown;
  Tid tid{};
  Tid waker{};  // current task; meaningless as a cause when context is an interrupt
  Cpu previous_cpu{};
  std::int32_t prio = 0;
  ThreadRef thread = kNoThread;
  ThreadRef waker_thread = kNoThread;
};

// sched_wakeup and sched_wakeup_new: the thread is on a run queue.
struct Wakeup {
  Time at;
  Cpu cpu{};
  bool is_new = false;
  Tid tid{};
  Cpu target_cpu{};
  std::int32_t prio = 0;
  ThreadRef thread = kNoThread;
};

struct Migrate {
  Time at;
  Cpu cpu{};
  Tid tid{};
  Cpu from{};
  Cpu to{};
  ThreadRef thread = kNoThread;
};

struct Fork {
  Time at;
  Cpu cpu{};
  bool is_thread = false;
  bool kernel_thread = false;
  Tid child{};
  Pid child_process{};
  Tid parent{};
  std::uint64_t child_start = 0;
  ThreadRef child_thread = kNoThread;
  ThreadRef parent_thread = kNoThread;
};

struct Rename {
  enum class Cause : std::uint8_t { kFork, kExec, kRename };
  Time at;
  Cpu cpu{};
  Cause cause = Cause::kRename;
  Tid tid{};
  Pid process{};
  std::array<char, 16> name{};  // any bytes; NUL-padded
  ThreadRef thread = kNoThread;
};

struct Exec {
  Time at;
  Cpu cpu{};
  Tid tid{};
  Pid process{};
  Tid old_tid{};  // differs from tid when a thread other than the leader called exec
  ThreadRef thread = kNoThread;
};

// sched_process_exit: the thread is dying but runs on until its last switch-out.
struct Exit {
  Time at;
  Cpu cpu{};
  Tid tid{};
  Pid process{};
  std::int32_t exit_code = 0;
  ThreadRef thread = kNoThread;
};

// The kernel's own account of a thread, taken at its last switch-out.
struct Account {
  Time at;
  Cpu cpu{};
  Tid tid{};
  std::uint32_t nvcsw = 0;  // low 32 bits
  std::uint32_t nivcsw = 0;
  std::uint64_t run_ns = 0;
  std::uint64_t run_delay_ns = 0;  // kNoRunDelay where the kernel keeps none
  ThreadRef thread = kNoThread;
};
inline constexpr std::uint64_t kNoRunDelay = ~std::uint64_t{0};

// What a marker says. Numbers are part of the recording: never reused.
enum class MarkerKind : std::uint16_t {
  // A store that threw away the work of others: a = the word loaded, b = the word overwritten,
  // each with the count above kLostUpdateTagBits and its writer's lane + 1 below.
  kLostUpdate = 1,
  // A new phase of the workload begins for this thread: a = its number, from 0 on.
  kPhase = 2,
  // One operation (a request, a round trip, a meal): a = its number. At its end b = what the
  // workload says it is for, in most cases the intended arrival, CLOCK_MONOTONIC ns.
  kOperationBegin = 3,
  kOperationEnd = 4,
  // User-level tasks on this thread: a = the task that runs from now on, b = the task that ran
  // until
  // now and, shifted by kTaskLeftBits, how it left (TaskLeft). kNoTask for none: the task
  // scheduler.
  kTaskSwitch = 5,
  // a = the lock's number. Wanted: about to take it. Acquired: now holds it. Released: about to
  // give
  // it back.
  kLockWanted = 6,
  kLockAcquired = 7,
  kLockReleased = 8,
};
inline constexpr std::uint64_t kNoTask = 0xffff'ffff;
inline constexpr unsigned kTaskLeftBits = 32;
enum class TaskLeft : std::uint8_t { kReady = 0, kBlocked = 1, kFinished = 2 };
inline constexpr unsigned kLostUpdateTagBits = 16;

// Marks of a program's USDT probes that have no meaning of their own get numbers from here on, in
// the order of RunInfo::usdt.
inline constexpr std::uint16_t kFirstUsdtMark = 0x8000;
inline constexpr std::uint16_t kNoLane = 0xffff;

// Written by the workload itself, or found at a USDT probe of any program; on the same clock.
struct Marker {
  Time at;
  std::uint16_t kind = 0;        // MarkerKind, or from kFirstUsdtMark on
  std::uint16_t lane = kNoLane;  // the workload's own number of the thread
  Tid tid{};                     // of a USDT probe's thread, which has no lane
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  ThreadRef thread = kNoThread;
};

template <class... Events>
struct TypeList {};

// The one list: a type without a codec or a builder does not compile.
using EventTypes =
    TypeList<Switch, Waking, Wakeup, Migrate, Fork, Rename, Exec, Exit, Account, Marker>;

// A thread as the kernel's task iterator saw it, at the start or at the end of the window.
struct ThreadSeed {
  Time at;
  std::uint64_t start_time = 0;  // ns since boot; with the tid it names a thread for ever
  std::uint64_t run_ns = 0;
  std::uint64_t run_delay_ns = kNoRunDelay;
  std::uint64_t user_ip = 0;
  std::uint64_t nvcsw = 0;
  std::uint64_t nivcsw = 0;
  std::uint64_t slice_ns = 0;
  Tid tid{};
  Pid process{};
  Pid parent_process{};
  RawState state{};
  Syscall syscall = kNoSyscall;
  std::int32_t prio = 0;
  std::uint32_t policy = 0;
  Cpu cpu{};
  bool on_cpu = false;
  bool queued = false;
  bool delayed = false;
  bool kernel_thread = false;
  bool compat = false;
  bool torn = false;  // the counters changed while they were read
  std::array<char, 16> name{};
};

}  // namespace observe
