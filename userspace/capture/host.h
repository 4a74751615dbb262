// The machine and its kernel, as far as they shape scheduling.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trace/run.h"

namespace observe {

// Steal time per CPU and quota throttling of this process's cgroups, now.
HostSample read_host_sample();

// The parts of read_host_info() that are text in, value out.

// What /proc/stat says was taken from threads, in ns by CPU number.
struct TakenTime {
  std::vector<std::uint64_t> interrupts;  // hardware and software
  std::vector<std::uint64_t> steal;
};
TakenTime parse_taken_time(std::string_view proc_stat, long ticks_per_second);
// Ticks per second from the resolution of CLOCK_MONOTONIC_COARSE, which the kernel advances once a
// tick (kernel/time/posix-timers.c, KTIME_LOW_RES); 0 when it makes no sense.
int ticks_per_second(Nanos coarse_resolution);
// The options of a kernel command line that change scheduling.
std::vector<std::string> scheduling_options(std::string_view command_line);
// se.slice of /proc/PID/sched in ns; 0 when there is none (before 6.12).
std::int64_t parse_slice(std::string_view proc_sched);

struct PreemptSources {
  std::string_view version;       // uname -v
  std::string_view realtime;      // /sys/kernel/realtime
  std::string_view debugfs;       // /sys/kernel/debug/sched/preempt: "none voluntary (full)"
  std::string_view command_line;  // /proc/cmdline
  std::string_view config;        // the kernel's build configuration
};
// The model in force: "none", "voluntary", "full", "lazy", "rt", or "unknown".
std::string preempt_model(const PreemptSources& sources);

// Since 6.6 fair threads are scheduled by EEVDF; `ops` names a loaded sched_ext scheduler.
std::string scheduler_name(std::string_view release, std::string_view sched_ext_state,
                           std::string_view ops);

}  // namespace observe
