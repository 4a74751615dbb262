// Which CPUs there are and what they share, from sysfs.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "trace/run.h"

namespace observe {

// "0-3,8" in the kernel's notation (an optional newline after it); nullopt for anything else and
// for numbers that are no CPU's. Sorted, each once.
std::optional<std::vector<Cpu>> parse_cpu_list(std::string_view text);

// One past the highest CPU that may ever be online; at least 1. `sys` is "/sys" or a test's folder.
int possible_cpus(const std::filesystem::path& sys = "/sys");

// Every present CPU, in order. Ids are unique on the machine, which the kernel's core_id is not: a
// core's and a last-level cache's is the number of its first CPU. -1 where sysfs does not say.
std::vector<CpuTopology> read_topology(const std::filesystem::path& sys = "/sys");

}  // namespace observe
