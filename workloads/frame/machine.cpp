// What this machine and the caller's rights allow a workload.
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <linux/capability.h>
#include <algorithm>
#include <cerrno>
#include <fstream>

#include "base/privileges.h"
#include "workloads/frame/parameters.h"
#include "workloads/frame/spec.h"

namespace observe::workloads {
namespace {

std::string first_line(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::vector<Cpu> affinity() {
  std::vector<Cpu> cpus;
  // The kernel refuses a set smaller than its own with EINVAL.
  for (int count = 1024; count <= 65536; count *= 2) {
    cpu_set_t* set = CPU_ALLOC(count);
    if (set == nullptr) return cpus;
    const std::size_t size = CPU_ALLOC_SIZE(count);
    const bool read = sched_getaffinity(0, size, set) == 0;
    const bool too_small = !read && errno == EINVAL;
    for (int cpu = 0; read && cpu < count && cpu < raw(kNoCpu); ++cpu) {
      if (CPU_ISSET_S(cpu, size, set)) cpus.push_back(Cpu{static_cast<std::uint16_t>(cpu)});
    }
    CPU_FREE(set);
    if (!too_small) break;
  }
  return cpus;
}

std::int64_t lower_limit(std::int64_t a, std::int64_t b) {  // 0: not known
  return a == 0 ? b : b == 0 ? a : std::min(a, b);
}

}  // namespace

Machine read_machine() {
  Machine machine;
  machine.allowed_cpus = affinity();
  const auto online = parse_cpu_list(first_line("/sys/devices/system/cpu/online"));
  machine.online_cpus = online ? *online : machine.allowed_cpus;
  // sched_getaffinity may name CPUs that went offline.
  std::erase_if(machine.allowed_cpus,
                [&](Cpu cpu) { return !std::ranges::binary_search(machine.online_cpus, cpu); });

  rlimit limit{};
  if (getrlimit(RLIMIT_NPROC, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    machine.thread_limit = static_cast<std::int64_t>(limit.rlim_cur);
  }
  const auto threads_max = parse_integer(first_line("/proc/sys/kernel/threads-max"));
  if (threads_max) machine.thread_limit = lower_limit(machine.thread_limit, *threads_max);

  errno = 0;
  const int own = getpriority(PRIO_PROCESS, 0);
  if (errno == 0) machine.nice = own;
  const bool may_raise = has_capability(CAP_SYS_NICE);
  if (may_raise) {
    machine.realtime_limit = 99;
    machine.nice_limit = -20;
    return machine;
  }
  if (getrlimit(RLIMIT_RTPRIO, &limit) == 0) {
    machine.realtime_limit = static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 99));
  }
  // RLIMIT_NICE: 20 - nice, see getrlimit(2). A nice value above the caller's own is always free.
  machine.nice_limit = machine.nice;
  if (getrlimit(RLIMIT_NICE, &limit) == 0) {
    const int allowed = 20 - static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 40));
    machine.nice_limit = std::min(machine.nice_limit, allowed);
  }
  return machine;
}

}  // namespace observe::workloads
