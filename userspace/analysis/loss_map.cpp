#include "analysis/loss_map.h"

#include <algorithm>

namespace observe {

LossMap::LossMap(std::span<const LostInterval> lost) {
  for (const LostInterval& one : lost) {
    if (one.count == 0) continue;
    const Gap gap{std::min(one.from, one.to), std::max(one.from, one.to)};
    if (raw(one.cpu) >= by_cpu_.size()) by_cpu_.resize(std::size_t{raw(one.cpu)} + 1);
    by_cpu_[raw(one.cpu)].push_back(gap);
    everywhere_.push_back(gap);
  }
  for (std::vector<Gap>& gaps : by_cpu_) merge(gaps);
  merge(everywhere_);
}

void LossMap::merge(std::vector<Gap>& gaps) {
  std::ranges::sort(gaps, {}, &Gap::from);
  std::size_t kept = 0;
  for (const Gap& gap : gaps) {
    if (kept > 0 && gap.from <= gaps[kept - 1].to) {
      gaps[kept - 1].to = std::max(gaps[kept - 1].to, gap.to);
    } else {
      gaps[kept++] = gap;
    }
  }
  gaps.resize(kept);
}

std::optional<Time> LossMap::find(const std::vector<Gap>& gaps, Time since, Time until) {
  const auto gap = std::ranges::upper_bound(gaps, since, {}, &Gap::to);
  if (gap == gaps.end() || gap->from >= until) return std::nullopt;
  return std::max(gap->from, since);
}

std::optional<Time> LossMap::first(Cpu cpu, Time since, Time until) const {
  if (raw(cpu) >= by_cpu_.size()) return std::nullopt;
  return find(by_cpu_[raw(cpu)], since, until);
}

std::optional<Time> LossMap::first_anywhere(Time since, Time until) const {
  return find(everywhere_, since, until);
}

}  // namespace observe
