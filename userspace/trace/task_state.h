// What the raw bits of a task's state say.
//
// There are two encodings, and they must not be mixed: the kernel's own __state bits, which the
// BPF tracepoint and the task iterator pass (include/linux/sched.h), and the one that the text of
// the sched_switch trace event is made from. Everything here speaks of the first. Bits 0x40 and up
// have moved over the years: the names below hold for Linux 4.14 and later.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "trace/events.h"

namespace observe {

namespace task_bits {
inline constexpr std::uint32_t kInterruptible = 0x0001;
inline constexpr std::uint32_t kUninterruptible = 0x0002;
inline constexpr std::uint32_t kStopped = 0x0004;
inline constexpr std::uint32_t kTraced = 0x0008;
inline constexpr std::uint32_t kExitDead = 0x0010;
inline constexpr std::uint32_t kExitZombie = 0x0020;
inline constexpr std::uint32_t kParked = 0x0040;
inline constexpr std::uint32_t kDead = 0x0080;
inline constexpr std::uint32_t kWakeKill = 0x0100;  // in the text encoding 0x100 is "preempted"
inline constexpr std::uint32_t kWaking = 0x0200;
inline constexpr std::uint32_t kNoLoad = 0x0400;
inline constexpr std::uint32_t kNew = 0x0800;
inline constexpr std::uint32_t kRtLockWait = 0x1000;  // 5.15
inline constexpr std::uint32_t kFreezable = 0x2000;   // 6.1
inline constexpr std::uint32_t kFrozen = 0x8000;      // 6.1
}  // namespace task_bits

constexpr bool has_bits(RawState state, std::uint32_t bits) { return (raw(state) & bits) == bits; }

constexpr bool is_runnable(RawState state) { return raw(state) == 0; }
// The last switch-out of a thread has this bit.
constexpr bool is_dead(RawState state) { return has_bits(state, task_bits::kDead); }

// The letter that ps and the kernel's trace text use: R running or runnable, S sleeping, D
// uninterruptible, T stopped, t traced, X dead, Z zombie, P parked, I idle kernel thread; ? for
// bits without a letter.
char state_letter(RawState state);

// "S", "D", "R+" (preempted inside the kernel: the tracepoint's flag), "DK" (can be killed).
std::string state_code(RawState state, bool preempt);

// For people: "sleeping", "uninterruptible", "preempted in the kernel"…
std::string_view state_text(RawState state, bool preempt);

}  // namespace observe
