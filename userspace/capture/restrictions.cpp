#include "capture/restrictions.h"

#include <linux/capability.h>

#include <fstream>

#include "base/privileges.h"

namespace observe {

std::string read_lockdown() {
  std::ifstream file("/sys/kernel/security/lockdown");
  std::string line;
  std::getline(file, line);  // "none [integrity] confidentiality"
  const std::size_t begin = line.find('['), end = line.find(']');
  if (begin == line.npos || end == line.npos || end < begin) return "unknown";
  return line.substr(begin + 1, end - begin - 1);
}

std::string missing_bpf_capabilities() {
  // CAP_BPF loads and CAP_PERFMON traces; both were split off CAP_SYS_ADMIN in 5.8.
  if (has_capability(CAP_SYS_ADMIN)) return {};
  const bool bpf = has_capability(CAP_BPF), perfmon = has_capability(CAP_PERFMON);
  if (!bpf && !perfmon) return "CAP_BPF and CAP_PERFMON";
  return bpf ? (perfmon ? "" : "CAP_PERFMON") : "CAP_BPF";
}

}  // namespace observe
