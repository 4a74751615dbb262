#include "analysis/markers.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include <fmt/format.h>

namespace observe {
namespace {

std::string name_of(std::uint16_t kind, const RunInfo& run) {
  switch (MarkerKind{kind}) {
    case MarkerKind::kLostUpdate:
      return "lost update";
    case MarkerKind::kPhase:
      return "phase";
    case MarkerKind::kOperationBegin:
      return "operation begin";
    case MarkerKind::kOperationEnd:
      return "operation end";
    case MarkerKind::kTaskSwitch:
      return "task switch";
    case MarkerKind::kLockWanted:
      return "lock wanted";
    case MarkerKind::kLockAcquired:
      return "lock acquired";
    case MarkerKind::kLockReleased:
      return "lock released";
  }
  const std::size_t place = kind - std::size_t{kFirstUsdtMark};
  if (kind < kFirstUsdtMark || place >= run.usdt.size()) return fmt::format("marker {}", kind);
  // Without the path.
  const std::string& text = run.usdt[place];
  const std::size_t name = text.rfind(':');
  if (name == std::string::npos || name == 0) return text;
  const std::size_t provider = text.rfind(':', name - 1);
  return provider == std::string::npos ? text : text.substr(provider + 1);
}

}  // namespace

std::vector<report::MarkerCount> count_markers(const Facts& facts) {
  struct Count {
    std::uint64_t count = 0;
    std::set<ThreadRef> threads;
  };
  std::map<std::uint16_t, Count> by_kind;
  const RunInfo& run = facts.trace.run();
  for (std::size_t i = 0; i < std::min<std::size_t>(run.usdt.size(), kFirstUsdtMark); ++i) {
    const bool own = run.usdt[i].find(":observe:") != std::string::npos;
    if (!own) by_kind[static_cast<std::uint16_t>(kFirstUsdtMark + i)];
  }
  for (const Marker& marker : facts.trace.all<Marker>()) {
    if (marker.at < facts.trace.begin() || marker.at >= facts.trace.end()) continue;
    if (marker.thread == kNoThread || !facts.info(marker.thread).target) continue;
    Count& count = by_kind[marker.kind];
    ++count.count;
    count.threads.insert(marker.thread);
  }
  std::vector<report::MarkerCount> counts;
  for (const auto& [kind, count] : by_kind) {
    counts.push_back(
        {.name = name_of(kind, run), .count = count.count, .threads = count.threads.size()});
  }
  return counts;
}

}  // namespace observe
