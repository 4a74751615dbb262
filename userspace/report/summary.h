// Everything that is shown about a run, free of format: the terminal, JSON and later the HTML
// render this one value, so their numbers cannot differ. Field names follow the JSON schema
// observe.summary/1. Times are nanoseconds; optional values are null where they were not measured.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/units.h"

namespace observe::report {

// Mirrors trace/run.h's Fact; report knows base only.
using Value = std::variant<bool, std::int64_t, double, std::string>;

struct Run {
  std::string kind, name;
  std::vector<std::string> command;
  std::map<std::string, std::string> parameters;
  std::uint64_t seed = 0;
  std::string started_at;
  Nanos duration{};
  std::optional<int> exit_status;
  std::string end_reason;
};

struct HostCpu {
  int cpu = 0, core = -1, package = -1, llc = -1, node = -1;
  bool online = true;
};

struct Host {
  std::string kernel, arch;
  int cpus_online = 0;
  std::optional<int> hz;
  std::string preempt_model, scheduler;
  std::optional<Nanos> slice;
  std::string hypervisor;
  std::vector<std::string> boot_options;
  std::vector<HostCpu> topology;
};

struct LostInterval {
  int cpu = 0;
  Nanos from{}, to{};  // relative to the window's beginning
  std::uint64_t count = 0;
};

struct Capture {
  std::string clock;
  std::uint64_t events = 0;
  std::map<std::string, std::uint64_t> by_kind;
  std::uint64_t lost = 0;
  std::vector<LostInterval> lost_intervals;
  std::uint64_t missed_probe_runs = 0, markers_lost = 0;
  std::uint64_t damaged_blocks = 0;  // of the recording, left out
  std::optional<Nanos> observer_cpu, probe_cpu;
  std::uint64_t recording_bytes = 0;
  bool complete = true;
  std::vector<std::string> notes;  // imperfections in words, one each
};

struct Totals {
  std::uint64_t switches = 0, preempted = 0, yielded = 0, blocked = 0, wakeups = 0, migrations = 0;
  Nanos run{}, wait{};
  double parallelism_mean = 0, concurrency_mean = 0;
};

struct Percentiles {  // exact, by nearest rank
  std::uint64_t count = 0;
  Nanos p50{}, p90{}, p99{}, max{};
  Nanos max_at{};  // relative to the window's beginning: when the longest ended
};

struct WaitByCause {
  Nanos woken{}, fresh{}, preempted{}, yielded{}, unknown{};  // fresh is "new" in JSON
};

struct BlockedBy {
  std::string reason;  // "futex", "read", "page fault", "exit"…
  Nanos time{};
  std::uint64_t count = 0;
};

struct CpuTime {
  int cpu = 0;
  Nanos run{};
};

struct KernelAccount {
  std::uint64_t nvcsw = 0, nivcsw = 0;
  Nanos run{};
  std::optional<Nanos> run_delay;
};

struct SwitchCounts {
  std::uint64_t preempted = 0, yielded = 0, blocked = 0, exited = 0;
};

struct Thread {
  std::uint32_t tid = 0, tgid = 0;
  std::string name, role;
  bool target = false;
  Nanos lifetime{}, run{}, wait{};
  WaitByCause wait_by_cause;
  Nanos wake_delay{}, blocked{};
  std::vector<BlockedBy> blocked_by;  // longest first
  Nanos unknown{};
  SwitchCounts switches;
  std::uint64_t migrations = 0;
  std::vector<CpuTime> cpus;
  Percentiles wait_latency, run_slice;
  std::optional<KernelAccount> kernel_account;
};

struct CpuSummary {
  int cpu = 0;
  Nanos busy{}, idle{};
  std::uint64_t switches = 0;
  double queue_mean = 0;  // threads runnable and not running, time-weighted
  std::uint64_t queue_max = 0;
  std::vector<double> utilisation;         // equal parts of the window, 0..1, for the sparkline
  std::vector<double> target_utilisation;  // the same, only the observed threads
};

struct RoleSummary {  // a state bar: the parts add up to the lifetime
  std::string role;
  std::uint64_t threads = 0;
  Nanos lifetime{}, run{}, wait{}, wake_delay{}, blocked{}, unknown{};
};

struct Holder {  // who ran on the CPU while observed threads waited for it
  std::string name;
  std::uint32_t tid = 0;
  bool target = false;
  Nanos time{};
};

// How the measured value is to lie to the predicted one.
enum class Relation { kEqual, kAtMost, kAtLeast };

enum class PredictionVerdict { kShown, kRefuted, kInconclusive, kCannotTell };

struct Prediction {
  std::string name, formula;
  std::optional<double> predicted, measured;
  std::string unit;
  double tolerance = 0;  // absolute, in the same unit
  Relation relation = Relation::kEqual;
  bool assumes_quiet = true;  // a disturbed machine spoils it
  PredictionVerdict verdict = PredictionVerdict::kCannotTell;
  std::string reason;
};

enum class FindingVerdict { kShown, kConsistent, kCannotTell };

struct Finding {
  std::string id;
  FindingVerdict verdict = FindingVerdict::kCannotTell;
  std::string claim;                  // one sentence
  std::vector<std::string> evidence;  // one sentence each
  std::optional<Nanos> at;            // relative to the window's beginning
};

struct SelfCheck {
  std::string name;
  std::uint64_t checked = 0, exact = 0;
  double worst = 0;
  std::string unit;
  bool passed = false;
  bool promised = true;  // false: reported, but the kernel does not promise it; never fails a run
  std::string detail;
  bool excused = false;    // promised in general, and not of this run, for the reason in `detail`
  bool applicable = true;  // false: there was nothing to check; it neither passed nor failed
};

// Observed threads against the kernel's own account of them: the self-checks in short.
struct KernelAgreement {
  std::uint64_t threads = 0;  // of which there are two readings
  double worst_switches = 0;
  double worst_run_percent = 0;  // of time on a CPU, beyond what the readings' own lag explains
};

// How often observed threads came to a place that a workload or a USDT probe marks.
struct MarkerCount {
  std::string name;  // "operation end"; of other providers' probes PROVIDER:NAME
  std::uint64_t count = 0;
  std::uint64_t threads = 0;
};

struct Workload {
  std::map<std::string, Value> ground_truth;
  std::vector<Prediction> predictions;
  std::vector<std::string> headline;  // the workload's own result, at most two short lines
};

// The longest wait of a task for its turn, and who had it meanwhile.
struct WorstTaskWait {
  std::uint32_t task = 0;
  std::optional<std::uint32_t> ran_instead;  // the task that ran for longest meanwhile
  Nanos ran{};
  Nanos off_cpu{};  // of the wait, the thread itself had no CPU
};

// Tasks that a program schedules by itself on one kernel thread. The five parts of their lives add
// up to `lifetime`.
struct UserTaskThread {
  std::string name;
  std::uint32_t tid = 0;
  std::uint64_t tasks = 0, switches = 0;
  std::uint64_t kernel_switches = 0;  // of the thread, meanwhile
  std::uint64_t contradictions = 0;   // markers that show that others are missing
  Nanos lifetime{}, run{}, wait_for_turn{}, wait_for_cpu{}, blocked{}, unknown{};
  Percentiles waits;                   // for the turn
  Percentiles runs;                    // time on a CPU within one turn
  std::optional<WorstTaskWait> worst;  // waits.max
};

struct UserTasks {
  std::vector<UserTaskThread> threads;
};

// What the observed program's markers say about one of its locks.
struct LockHolder {
  std::string name;
  std::uint32_t tid = 0;
  Nanos held{};  // of the wait; what is neither of the following is unknown
  Nanos run{}, wait{}, blocked{};
};

struct LongestLockWait {
  std::string name;  // of who waited
  std::uint32_t tid = 0;
  Nanos begin{};  // relative to the window's beginning
  Nanos length{};
  std::vector<LockHolder> holders;  // in the order in which they came to hold it
};

struct Lock {
  std::uint64_t number = 0;
  std::uint64_t acquisitions = 0;
  std::uint64_t abandoned = 0;  // waits that were given up
  Percentiles wait, hold;
  std::optional<LongestLockWait> longest;
};

struct Summary {
  Run run;
  Host host;
  Capture capture;
  Totals totals;             // of the observed threads
  Percentiles waits;         // waits for a CPU of all observed threads
  std::string worst_waiter;  // whose wait was waits.max
  std::vector<Thread> threads;
  std::vector<CpuSummary> cpus;
  std::vector<RoleSummary> roles;  // of the observed threads, longest first
  std::vector<Holder> holders;     // longest first
  std::optional<UserTasks> user_tasks;
  std::vector<Lock> locks;  // those with markers, the most waited for first
  std::optional<Workload> workload;
  std::vector<MarkerCount> markers;  // those that occurred, and USDT probes that did not
  std::vector<Finding> findings;     // the first is the verdict of the run
  std::vector<SelfCheck> self_checks;
  KernelAgreement kernel_agreement;
};

}  // namespace observe::report
