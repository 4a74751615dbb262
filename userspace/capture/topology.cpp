#include "capture/topology.h"

#include <algorithm>
#include <charconv>
#include <string>

#include <fmt/format.h>

#include "capture/text_file.h"

namespace observe {
namespace {

constexpr unsigned kCpuLimit = 8192;  // NR_CPUS of the largest configuration

std::optional<unsigned> take_number(std::string_view& text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

int first_cpu(const std::filesystem::path& list) {
  const auto cpus = parse_cpu_list(read_text_file(list));
  return cpus && !cpus->empty() ? raw(cpus->front()) : -1;
}

int read_number(const std::filesystem::path& file) {
  std::string text = read_text_file(file);
  std::string_view rest = text;
  const auto value = take_number(rest);
  return value && *value <= kCpuLimit && (rest.empty() || rest == "\n") ? static_cast<int>(*value)
                                                                        : -1;
}

// The folders NAME0, NAME1… of `parent`: their numbers.
std::vector<unsigned> numbered(const std::filesystem::path& parent, std::string_view name) {
  std::vector<unsigned> numbers;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(parent, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string file = entry->path().filename();
    std::string_view rest = file;
    if (!rest.starts_with(name)) continue;
    rest.remove_prefix(name.size());
    const auto number = take_number(rest);
    if (number && rest.empty() && *number < kCpuLimit) numbers.push_back(*number);
  }
  std::ranges::sort(numbers);
  return numbers;
}

int last_level_cache(const std::filesystem::path& cpu) {
  int highest = -1, id = -1;
  for (const unsigned index : numbered(cpu / "cache", "index")) {
    const std::filesystem::path cache = cpu / "cache" / fmt::format("index{}", index);
    if (read_text_file(cache / "type").starts_with("Instruction")) continue;
    const int level = read_number(cache / "level");
    if (level <= highest) continue;
    highest = level;
    id = first_cpu(cache / "shared_cpu_list");
  }
  return id;
}

int core(const std::filesystem::path& cpu) {
  const int id = first_cpu(cpu / "topology" / "core_cpus_list");
  return id >= 0 ? id : first_cpu(cpu / "topology" / "thread_siblings_list");  // before 5.3
}

int node(const std::filesystem::path& cpu) {
  const std::vector<unsigned> nodes = numbered(cpu, "node");
  return nodes.empty() ? -1 : static_cast<int>(nodes.front());
}

}  // namespace

std::optional<std::vector<Cpu>> parse_cpu_list(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  std::vector<Cpu> cpus;
  if (text.empty()) return cpus;
  for (;;) {
    const auto first = take_number(text);
    if (!first) return std::nullopt;
    unsigned last = *first;
    if (text.starts_with('-')) {
      text.remove_prefix(1);
      const auto end = take_number(text);
      if (!end) return std::nullopt;
      last = *end;
    }
    if (last < *first || last >= kCpuLimit) return std::nullopt;
    for (unsigned cpu = *first; cpu <= last; ++cpu) {
      cpus.push_back(static_cast<Cpu>(cpu));
    }
    if (text.empty()) break;
    if (!text.starts_with(',') || cpus.size() > kCpuLimit) return std::nullopt;
    text.remove_prefix(1);
  }
  std::ranges::sort(cpus);
  const auto repeated = std::ranges::unique(cpus);
  cpus.erase(repeated.begin(), repeated.end());
  return cpus;
}

int possible_cpus(const std::filesystem::path& sys) {
  const auto cpus = parse_cpu_list(read_text_file(sys / "devices/system/cpu/possible"));
  return cpus && !cpus->empty() ? raw(cpus->back()) + 1 : 1;
}

std::vector<CpuTopology> read_topology(const std::filesystem::path& sys) {
  const std::filesystem::path root = sys / "devices/system/cpu";
  const auto online = parse_cpu_list(read_text_file(root / "online"));
  std::vector<CpuTopology> topology;
  for (const unsigned number : numbered(root, "cpu")) {
    const std::filesystem::path cpu = root / fmt::format("cpu{}", number);
    const Cpu id = static_cast<Cpu>(number);
    topology.push_back(
        {.cpu = id,
         .online = !online || online->empty() || std::ranges::binary_search(*online, id),
         .core = core(cpu),
         .package = read_number(cpu / "topology" / "physical_package_id"),
         .llc = last_level_cache(cpu),
         .node = node(cpu)});
  }
  return topology;
}

}  // namespace observe
