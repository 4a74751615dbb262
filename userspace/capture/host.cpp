#include "capture/host.h"

#include <cpuid.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "capture/capture.h"
#include "capture/clock.h"
#include "capture/text_file.h"
#include "capture/topology.h"

namespace observe {
namespace {

namespace fs = std::filesystem;

std::string_view trimmed(std::string_view text) {
  const auto space = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\0'; };
  while (!text.empty() && space(text.front())) text.remove_prefix(1);
  while (!text.empty() && space(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view next_piece(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view piece = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return piece;
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The value of a line "key value" or "key: value"; empty when there is none.
std::string_view value_of(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    std::string_view line = next_piece(text, '\n');
    if (!line.starts_with(key)) continue;
    line.remove_prefix(key.size());
    if (line.empty() || (line.front() != ' ' && line.front() != ':')) continue;
    const std::size_t begin = line.find_first_not_of(" :");
    return begin == line.npos ? std::string_view{} : trimmed(line.substr(begin));
  }
  return {};
}

bool has_line(std::string_view text, std::string_view wanted) {
  while (!text.empty()) {
    if (next_piece(text, '\n') == wanted) return true;
  }
  return false;
}

std::string kernel_config(const std::string& release) {
  const std::string running = read_gzip_file("/proc/config.gz");
  return !running.empty() ? running : read_text_file("/boot/config-" + release);
}

// What the CPU says when it is asked as a hypervisor would answer (Intel and AMD manuals, CPUID
// leaf 1 ECX bit 31; leaf 0x40000000 by convention of all hypervisors).
std::string hypervisor() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0) return "unknown";
  if ((ecx >> 31 & 1) == 0) {
    const std::string type = read_text_file("/sys/hypervisor/type");
    return type.empty() ? "none" : std::string(trimmed(type));
  }
  __cpuid(0x40000000, eax, ebx, ecx, edx);
  const std::array<unsigned, 3> words{ebx, ecx, edx};
  char signature[sizeof words + 1] = {};
  std::memcpy(signature, words.data(), sizeof words);
  static constexpr std::pair<std::string_view, const char*> kKnown[] = {
      {"KVMKVMKVM", "kvm"},     {"Microsoft Hv", "hyperv"}, {"VMwareVMware", "vmware"},
      {"XenVMMXenVMM", "xen"},  {"TCGTCGTCGTCG", "qemu"},   {"ACRNACRNACRN", "acrn"},
      {"VBoxVBoxVBox", "vbox"}, {"bhyve bhyve ", "bhyve"},  {"QNXQVMBSQG", "qnx"},
  };
  for (const auto& [text, name] : kKnown) {
    if (std::string_view(signature).starts_with(text)) return name;
  }
  return "unknown";
}

Nanos coarse_resolution() {
  timespec resolution{};
  if (clock_getres(CLOCK_MONOTONIC_COARSE, &resolution) != 0) return Nanos{0};
  return std::chrono::seconds{resolution.tv_sec} + Nanos{resolution.tv_nsec};
}

std::uint64_t throttled_ns() {
  // Both layouts of /proc/self/cgroup: "0::/path" (v2) and "4:cpu,cpuacct:/path" (v1). A quota may
  // sit on any group above, and counts there.
  const std::string groups = read_text_file("/proc/self/cgroup");
  std::string_view rest = groups;
  std::uint64_t total = 0;
  while (!rest.empty()) {
    std::string_view line = next_piece(rest, '\n');
    const std::string_view hierarchy = next_piece(line, ':');
    std::string_view controllers = next_piece(line, ':');
    bool has_cpu = hierarchy == "0" && controllers.empty();
    const bool unified = has_cpu;
    while (!controllers.empty()) has_cpu |= next_piece(controllers, ',') == "cpu";
    if (!has_cpu) continue;
    const fs::path mount = unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu";
    for (fs::path group = fs::path(line).relative_path();; group = group.parent_path()) {
      const std::string stat = read_text_file(mount / group / "cpu.stat");
      total += number(value_of(stat, "throttled_usec")).value_or(0) * 1000;
      total += number(value_of(stat, "throttled_time")).value_or(0);
      if (group.empty()) break;
    }
  }
  return total;
}

}  // namespace

TakenTime parse_taken_time(std::string_view proc_stat, long ticks_per_second) {
  TakenTime taken;
  if (ticks_per_second <= 0) return taken;
  const std::uint64_t tick =
      std::uint64_t{1'000'000'000} / static_cast<std::uint64_t>(ticks_per_second);
  while (!proc_stat.empty()) {
    std::string_view line = next_piece(proc_stat, '\n');
    const std::string_view name = next_piece(line, ' ');
    if (!name.starts_with("cpu") || name == "cpu") continue;  // the first line is the sum
    const auto cpu = number(name.substr(3));
    // user nice system idle iowait irq softirq steal, in ticks: proc_stat(5)
    for (int field = 0; field < 5; ++field) next_piece(line, ' ');
    const auto hard = number(next_piece(line, ' '));
    const auto soft = number(next_piece(line, ' '));
    const auto steal = number(next_piece(line, ' '));
    if (!cpu || *cpu > 0xffff || !hard || !soft || !steal) continue;
    if (taken.steal.size() <= *cpu) {
      taken.steal.resize(*cpu + 1);
      taken.interrupts.resize(*cpu + 1);
    }
    taken.steal[*cpu] = *steal * tick;
    taken.interrupts[*cpu] = (*hard + *soft) * tick;
  }
  return taken;
}

int ticks_per_second(Nanos coarse_resolution) {
  // From 10,000 to 1 ticks a second; Linux is built with 100 to 1,024.
  const std::int64_t ns = to_ns(coarse_resolution);
  return ns >= 100'000 && ns <= 1'000'000'000 ? static_cast<int>((1'000'000'000 + ns / 2) / ns) : 0;
}

std::vector<std::string> scheduling_options(std::string_view command_line) {
  static constexpr std::string_view kExact[] = {
      "isolcpus",       "nohz",        "nohz_full", "rcu_nocbs",     "preempt",     "mitigations",
      "idle",           "nosmt",       "maxcpus",   "nr_cpus",       "skew_tick",   "threadirqs",
      "irqaffinity",    "noautogroup", "highres",   "possible_cpus", "clocksource", "tsc",
      "numa_balancing", "hlt",         "nosmp"};
  static constexpr std::string_view kPrefix[] = {
      "sched_",     "intel_idle.", "processor.max_cstate",
      "cpuidle",    "haltpoll.",   "intel_pstate",
      "amd_pstate", "cpufreq.",    "workqueue."};
  std::vector<std::string> options;
  while (!command_line.empty()) {
    const std::string_view option = trimmed(next_piece(command_line, ' '));
    if (option == "--") break;  // what follows is for the first process
    const std::string_view name = option.substr(0, std::min(option.find('='), option.size()));
    if (std::ranges::find(kExact, name) != std::end(kExact) ||
        std::ranges::any_of(kPrefix, [&](std::string_view p) { return name.starts_with(p); })) {
      options.emplace_back(option);
    }
  }
  return options;
}

std::int64_t parse_slice(std::string_view proc_sched) {
  const auto slice = number(value_of(proc_sched, "se.slice"));
  return slice && *slice < 1'000'000'000'000 ? static_cast<std::int64_t>(*slice) : 0;
}

std::string preempt_model(const PreemptSources& sources) {
  if (trimmed(sources.realtime) == "1" || sources.version.find("PREEMPT_RT") != std::string::npos) {
    return "rt";
  }
  // The one in force stands in parentheses.
  const std::size_t begin = sources.debugfs.find('('), end = sources.debugfs.find(')');
  if (begin != std::string_view::npos && end != std::string_view::npos && begin < end) {
    return std::string(sources.debugfs.substr(begin + 1, end - begin - 1));
  }
  const bool dynamic = sources.version.find("PREEMPT_DYNAMIC") != std::string::npos;
  if (dynamic) {
    std::string_view options = sources.command_line;
    std::string chosen;
    while (!options.empty()) {
      const std::string_view option = trimmed(next_piece(options, ' '));
      if (option.starts_with("preempt=")) chosen = option.substr(8);
    }
    if (!chosen.empty()) return chosen;
  } else if (sources.version.find("PREEMPT") != std::string_view::npos) {
    return "full";
  }
  static constexpr std::pair<std::string_view, const char*> kBuilt[] = {
      {"CONFIG_PREEMPT_NONE=y", "none"},
      {"CONFIG_PREEMPT_VOLUNTARY=y", "voluntary"},
      {"CONFIG_PREEMPT_LAZY=y", "lazy"},
      {"CONFIG_PREEMPT=y", "full"},
  };
  for (const auto& [line, model] : kBuilt) {
    if (has_line(sources.config, line)) return model;
  }
  return "unknown";
}

std::string scheduler_name(std::string_view release, std::string_view sched_ext_state,
                           std::string_view ops) {
  if (trimmed(sched_ext_state) == "enabled") return fmt::format("sched_ext:{}", trimmed(ops));
  const auto major = number(next_piece(release, '.'));
  const auto minor = number(release.substr(0, release.find_first_not_of("0123456789")));
  if (!major || !minor) return "unknown";
  return *major > 6 || (*major == 6 && *minor >= 6) ? "EEVDF" : "CFS";
}

HostSample read_host_sample() {
  TakenTime taken = parse_taken_time(read_text_file("/proc/stat"), sysconf(_SC_CLK_TCK));
  return {.at = monotonic_now(),
          .steal_ns_by_cpu = std::move(taken.steal),
          .interrupt_ns_by_cpu = std::move(taken.interrupts),
          .throttled_ns = throttled_ns()};
}

HostInfo read_host_info() {
  utsname name{};
  uname(&name);  // cannot fail with a valid pointer
  const std::string config = kernel_config(name.release);
  const std::string realtime = read_text_file("/sys/kernel/realtime");
  const std::string debugfs = read_text_file("/sys/kernel/debug/sched/preempt");
  const std::string command_line = read_text_file("/proc/cmdline");
  HostInfo host{
      .kernel = name.release,
      .machine = name.machine,
      .cpus_online = 0,
      .cpus_possible = possible_cpus(),
      .hz = ticks_per_second(coarse_resolution()),
      .preempt_model = preempt_model({.version = name.version,
                                      .realtime = realtime,
                                      .debugfs = debugfs,
                                      .command_line = command_line,
                                      .config = config}),
      .scheduler = scheduler_name(name.release, read_text_file("/sys/kernel/sched_ext/state"),
                                  read_text_file("/sys/kernel/sched_ext/root/ops")),
      .slice_ns = parse_slice(read_text_file("/proc/self/sched")),
      .hypervisor = hypervisor(),
      .boot_options = scheduling_options(command_line),
      .topology = read_topology()};
  host.cpus_online = static_cast<int>(
      std::ranges::count_if(host.topology, [](const CpuTopology& cpu) { return cpu.online; }));
  return host;
}

}  // namespace observe
