// Units and identities as types, so that a tid cannot be passed for a CPU or a duration.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <type_traits>

namespace observe {

// A duration in nanoseconds.
using Nanos = std::chrono::nanoseconds;

// The clock of every event: CLOCK_MONOTONIC, the one that bpf_ktime_get_ns() reads.
struct MonotonicClock {
  using rep = Nanos::rep;
  using period = Nanos::period;
  using duration = Nanos;
  using time_point = std::chrono::time_point<MonotonicClock, Nanos>;
  static constexpr bool is_steady = true;
};
using Time = MonotonicClock::time_point;

constexpr Time time_at(std::int64_t nanoseconds) { return Time{Nanos{nanoseconds}}; }
constexpr std::int64_t to_ns(Time time) { return time.time_since_epoch().count(); }
constexpr std::int64_t to_ns(Nanos duration) { return duration.count(); }

// A kernel thread id. Zero is the idle task of a CPU.
enum class Tid : std::uint32_t {};
// A process: the thread group id.
enum class Pid : std::uint32_t {};
// A logical CPU, as the kernel numbers it.
enum class Cpu : std::uint16_t {};
// A thread of a trace: index into its ThreadTable. Unlike a tid it is never reused.
enum class ThreadRef : std::uint32_t {};

inline constexpr Tid kIdleTid{0};
inline constexpr Cpu kNoCpu{0xffff};
inline constexpr ThreadRef kNoThread{0xffffffff};

template <class Enum>
  requires std::is_enum_v<Enum>
constexpr auto raw(Enum value) {
  return static_cast<std::underlying_type_t<Enum>>(value);
}

}  // namespace observe
