#include "base/memory.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

namespace observe {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kNoLimit = ~std::uint64_t{0};
constexpr std::streamsize kLargestFile = 1 << 16;  // they have some kilobytes at the most

std::string contents_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(static_cast<std::size_t>(kLargestFile), '\0');
  file.read(text.data(), kLargestFile);
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

// The number that `text` begins with, after spaces.
std::optional<std::uint64_t> number_in(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  std::uint64_t number = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (wrong != std::errc{}) return std::nullopt;
  return number;
}

// The number on the line that begins with `key`.
std::optional<std::uint64_t> number_after(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (line.starts_with(key)) return number_in(line.substr(key.size()));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return std::nullopt;
}

// The files of a cgroup, in its two versions.
struct CgroupFiles {
  const char* limit;
  const char* usage;
  const char* inactive_file;  // keys in memory.stat: pages of files, which the kernel can drop
  const char* active_file;
};
constexpr CgroupFiles kVersion2 = {"memory.max", "memory.current", "inactive_file ",
                                   "active_file "};
constexpr CgroupFiles kVersion1 = {"memory.limit_in_bytes", "memory.usage_in_bytes",
                                   "total_inactive_file ", "total_active_file "};

std::uint64_t left_in(const fs::path& cgroup, const CgroupFiles& files) {
  const auto limit = number_in(contents_of(cgroup / files.limit));  // "max": none
  const auto usage = number_in(contents_of(cgroup / files.usage));
  if (!limit || !usage) return kNoLimit;
  const std::string stat = contents_of(cgroup / "memory.stat");
  const std::uint64_t droppable = number_after(stat, files.inactive_file).value_or(0) +
                                  number_after(stat, files.active_file).value_or(0);
  const std::uint64_t held = *usage - std::min(*usage, droppable);
  return *limit - std::min(*limit, held);
}

// In this cgroup and all above it, up to where the hierarchy is mounted.
std::uint64_t left_above(const fs::path& mount, const fs::path& cgroup, const CgroupFiles& files) {
  std::uint64_t left = kNoLimit;
  for (fs::path at = cgroup.relative_path();; at = at.parent_path()) {
    left = std::min(left, left_in(mount / at, files));
    if (at.empty()) return left;
  }
}

}  // namespace

std::uint64_t available_memory(const fs::path& root) {
  constexpr std::uint64_t kKiB = 1024;
  std::uint64_t available = kNoLimit;
  const std::string meminfo = contents_of(root / "proc/meminfo");
  if (const auto kib = number_after(meminfo, "MemAvailable:"); kib && *kib <= kNoLimit / kKiB) {
    available = *kib * kKiB;
  }
  const fs::path mount = root / "sys/fs/cgroup";
  std::istringstream lines(contents_of(root / "proc/self/cgroup"));
  for (std::string line; std::getline(lines, line);) {  // hierarchy:controllers:path
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', std::min(first, line.size() - 1) + 1);
    if (first == line.npos || second == line.npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const fs::path cgroup = line.substr(second + 1);
    if (controllers.empty()) {
      available = std::min(available, left_above(mount, cgroup, kVersion2));
    } else if (controllers == "memory") {
      available = std::min(available, left_above(mount / "memory", cgroup, kVersion1));
    }
  }
  return available;
}

}  // namespace observe
