// What a recording says about itself besides events: the run, the host, the capture and the
// workload. Plain values; recording/metadata.h turns them into JSON and back.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/units.h"

namespace observe {

enum class RunKind { kWorkload, kCommand, kPid, kSystem };

struct RunInfo {
  RunKind kind = RunKind::kSystem;
  std::string name;                               // workload or program
  std::vector<std::string> command;               // kCommand only
  std::map<std::string, std::string> parameters;  // effective, with their defaults
  std::uint64_t seed = 0;
  std::string started_at;           // UTC, RFC 3339
  std::vector<std::string> usdt;    // probes of programs that were asked for: PATH:PROVIDER:NAME
  std::optional<Pid> root_process;  // the workload's, command's or observed process
  Pid observer_process{};
  std::string version;  // of observe
};

struct CpuTopology {
  Cpu cpu{};
  bool online = true;
  int core = -1;  // -1 where the kernel does not say
  int package = -1;
  int llc = -1;  // id shared by the CPUs of one last-level cache
  int node = -1;
};

struct HostInfo {
  std::string kernel;   // uname -r
  std::string machine;  // uname -m
  int cpus_online = 0;
  int cpus_possible = 0;
  int hz = 0;                             // 0: not known
  std::string preempt_model;              // "none", "voluntary", "full", "lazy", "rt" or "unknown"
  std::string scheduler;                  // "EEVDF", "CFS", "sched_ext:NAME" or "unknown"
  std::int64_t slice_ns = 0;              // base slice of a default fair thread; 0: not known
  std::string hypervisor;                 // "none", "kvm"… or "unknown"
  std::vector<std::string> boot_options;  // those that change scheduling
  std::vector<CpuTopology> topology;
};

// Records of one CPU that were dropped, between two records that were kept.
struct LostInterval {
  Cpu cpu{};
  Time from;
  Time to;
  std::uint64_t count = 0;
};

// Host counters at one moment, to tell how disturbed the window was.
struct HostSample {
  Time at;
  // From /proc/stat, in its ticks; empty where not available.
  std::vector<std::uint64_t> steal_ns_by_cpu;
  std::vector<std::uint64_t> interrupt_ns_by_cpu;  // hardware and software interrupts
  std::uint64_t throttled_ns = 0;                  // cgroup CPU quota
};

struct CaptureInfo {
  std::string clock = "CLOCK_MONOTONIC";
  Time window_begin;  // all threads seeded, everything attached
  Time window_end;
  bool complete = false;  // the closing part was written; false: the observer was killed
  bool recorder_realtime = false;
  std::string recorder_note;  // why not, where it was refused
  // Nothing where it is not known: an observer that was killed may have had no time to tell.
  std::optional<std::uint64_t> observer_cpu_ns;
  std::optional<std::uint64_t> probe_cpu_ns;  // estimated from one probe run in 64
  std::uint64_t probe_runs_timed = 0;
  std::uint64_t self_wakes = 0;         // wake-ups of the running thread itself: not recorded
  std::uint64_t missed_probe_runs = 0;  // the kernel's recursion_misses, not placed in time
  std::uint64_t markers_lost = 0;
  std::uint64_t buffer_bytes_per_cpu = 0;
  std::uint64_t peak_backlog_bytes = 0;
  std::optional<int> exit_status;  // of the command or workload, as a shell reports it
  std::string end_reason;          // "target ended", "duration", "interrupted"…
  std::vector<std::string> notes;  // what else people should know of how it went
  HostSample before;
  HostSample after;
};

// A number, a text or a flag that a workload says about itself.
using Fact = std::variant<bool, std::int64_t, double, std::string>;

struct WorkloadThread {
  Tid tid{};
  std::string role;
  Time begin;  // of its measured phase
  Time end;
  std::map<std::string, Fact> truth;  // operations and the like
};

struct WorkloadInfo {
  std::string name;
  Time phase_begin;  // the gate opened
  Time phase_end;    // all were told to stop
  std::map<std::string, Fact> truth;
  std::vector<WorkloadThread> threads;  // position = lane of its markers
};

}  // namespace observe
