// What this kernel and these privileges allow.
#include <linux/capability.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <charconv>
#include <cstring>

#include <fmt/format.h>

#include "base/privileges.h"
#include "capture/capture.h"
#include "capture/probes.h"
#include "capture/restrictions.h"
#include "capture/text_file.h"
#include "capture/topology.h"

namespace observe {
namespace {

std::string first_line(const std::filesystem::path& path) {
  std::string text = read_text_file(path);
  text.resize(std::min(text.find('\n'), text.size()));
  return text;
}

Capability kernel() {
  utsname name{};
  uname(&name);  // cannot fail with a valid pointer
  int major = 0, minor = 0;
  const char* end = name.release + std::strlen(name.release);
  const auto [point, error] = std::from_chars(name.release, end, major);
  if (error == std::errc{} && point != end) std::from_chars(point + 1, end, minor);
  return {.name = "kernel",
          .available = major > 5 || (major == 5 && minor >= 10),
          .required = true,
          .detail = name.release,
          .advice = "Linux 5.10 or later is needed"};
}

Capability type_information() {
  const bool there = access("/sys/kernel/btf/vmlinux", R_OK) == 0;
  return {.name = "BTF",
          .available = there,
          .required = true,
          .detail = there ? "/sys/kernel/btf/vmlinux" : "no /sys/kernel/btf/vmlinux",
          .advice = "use a kernel built with CONFIG_DEBUG_INFO_BTF=y, as distributions' are"};
}

Capability capability(const char* name, int number, bool required, std::string use,
                      std::string advice) {
  const bool implied =
      (number == CAP_BPF || number == CAP_PERFMON) && has_capability(CAP_SYS_ADMIN);
  const bool there = has_capability(number) || implied;
  return {.name = name,
          .available = there,
          .required = required,
          .detail = fmt::format("{}: {}", there ? "held" : "not held", use),
          .advice = std::move(advice)};
}

Capability lockdown() {
  const std::string mode = read_lockdown();
  return {.name = "lockdown",
          .available = mode != "confidentiality",
          .required = false,
          .detail = mode == "unknown" ? "not told (no securityfs): taken for none" : mode,
          .advice =
              "boot with lockdown=integrity or without it; otherwise new names of threads are "
              "not seen, and kernels before 5.15 cannot be observed"};
}

Capability unprivileged_bpf() {
  const std::string value = first_line("/proc/sys/kernel/unprivileged_bpf_disabled");
  return {.name = "unprivileged BPF",
          .available = true,
          .required = false,
          .detail = value.empty()  ? "not told"
                    : value == "0" ? "allowed (not used)"
                                   : "off, which does not matter here",
          .advice = {}};
}

Capability probes() {
  const Result<void> tried = try_probes();
  return {.name = "probes",
          .available = tried.has_value(),
          .required = true,
          .detail = tried ? "all load and attach" : tried.error().reason,
          .advice = tried ? std::string{} : tried.error().advice};
}

Capability cpus() {
  const int possible = possible_cpus();
  return {
      .name = "CPUs",
      .available = possible <= OBSERVE_MAX_CPUS,
      .required = true,
      .detail = fmt::format("{} possible", possible),
      .advice = fmt::format("observe can watch {}: boot with possible_cpus=N", OBSERVE_MAX_CPUS)};
}

Capability schedstat() {
  const std::string own = first_line("/proc/self/schedstat");
  const bool there = !own.empty() && own != "0 0 0";
  return {
      .name = "schedstat",
      .available = there,
      .required = false,
      .detail = there ? "/proc/PID/schedstat gives run and wait times to check against"
                      : "the kernel keeps no run and wait times",
      .advice = "use a kernel built with CONFIG_SCHED_INFO=y; otherwise those checks are left out"};
}

Capability sched_ext() {
  const std::string state = first_line("/sys/kernel/sched_ext/state");
  const bool enabled = state == "enabled";
  return {.name = "sched_ext",
          .available = true,
          .required = false,
          .detail = state.empty() ? "not in this kernel"
                    : enabled     ? "schedules now: " + first_line("/sys/kernel/sched_ext/root/ops")
                                  : state,
          .advice = {}};
}

Capability hidden_processes() {
  // "proc /proc proc rw,nosuid,hidepid=2 0 0"
  const std::string mounts = read_text_file("/proc/self/mounts");
  std::size_t at = mounts.find(" /proc proc ");
  const std::string line =
      at == mounts.npos ? std::string{} : mounts.substr(at, mounts.find('\n', at) - at);
  at = line.find("hidepid=");
  const bool hidden = at != line.npos && !line.substr(at + 8).starts_with("0") &&
                      !line.substr(at + 8).starts_with("off");
  return {.name = "other users' /proc",
          .available = !hidden || has_capability(CAP_SYS_PTRACE),
          .required = false,
          .detail = hidden ? "mounted with hidepid" : "visible",
          .advice = "run with sudo to observe processes of other users by --pid"};
}

}  // namespace

std::vector<Capability> probe_capabilities() {
  const std::string sudo =
      "run with sudo; or once: sudo setcap cap_bpf,cap_perfmon,cap_sys_nice=ep OBSERVE";
  return {
      kernel(),
      type_information(),
      cpus(),
      capability("CAP_BPF", CAP_BPF, true, "loads the probes", sudo),
      capability("CAP_PERFMON", CAP_PERFMON, true, "attaches them", sudo),
      capability("CAP_SYS_NICE", CAP_SYS_NICE, false, "makes the recorder real-time",
                 "run with sudo; otherwise real-time loads may starve the recorder, and what is "
                 "lost is counted"),
      lockdown(),
      unprivileged_bpf(),
      probes(),
      schedstat(),
      sched_ext(),
      hidden_processes()};
}

}  // namespace observe
