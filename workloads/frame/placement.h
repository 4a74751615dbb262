// Where the threads of a workload run and how they are scheduled: the common options as actions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "workloads/frame/parameters.h"
#include "workloads/frame/spec.h"

namespace observe::workloads {

enum class Place { kFree, kOne, kSpread };

// Real-time threads must leave a CPU before the kernel's own throttling begins (950 ms in each
// second by default, /proc/sys/kernel/sched_rt_runtime_us); also what RLIMIT_RTTIME enforces.
inline constexpr Nanos kRealtimeLimit = std::chrono::milliseconds{900};

struct Scheduling {
  std::vector<Cpu> cpus;  // what may be used
  Place place = Place::kFree;
  PolicyChoice policy;
  int nice = 0;
  std::optional<Nanos> slice;  // sched_attr.sched_runtime of fair threads; honoured from 6.12 on

  // The CPUs that the thread at `position` may run on.
  std::vector<Cpu> cpus_of(std::size_t position) const;
  // All threads can only ever run on one CPU.
  bool one_cpu() const { return place == Place::kOne || cpus.size() == 1; }
};

Scheduling scheduling_of(const Values& values);

// Where one thread differs from the others.
struct ThreadScheduling {
  std::optional<std::vector<Cpu>> cpus;
  std::optional<PolicyChoice> policy;
  std::optional<int> nice;
  std::optional<Nanos> slice;
};

// Refuses common options that are impossible together or on this machine.
Result<void> check_common(const Spec& spec, const Values& values, const Machine& machine);

// What needs the caller's rights, done before they are given up: real-time policy, nice value.
// Threads created later inherit it; apply() then lowers each to what it shall have. The calling
// thread stays one priority above real-time workers, so that it can stop them.
// What the common options ask for must be possible; `rights` are taken if they can be had, and it
// is returned whether all of them were.
Result<bool> prepare(const Scheduling& scheduling, const Rights& rights);
// Places and schedules the calling thread as the one at `position`.
Result<void> apply(const Scheduling& scheduling, std::size_t position,
                   const ThreadScheduling& own = {});
// The slice that the kernel grants the calling thread, in ns; 0 where it does not tell:
// before 6.12, and for threads that are not fair.
std::int64_t granted_slice_ns();
// Moves the calling thread, in the midst of its work.
Result<void> move_to(std::span<const Cpu> cpus);

// "0-2,5"; the reverse of parse_cpu_list.
std::string cpu_list_text(std::span<const Cpu> sorted);

}  // namespace observe::workloads
