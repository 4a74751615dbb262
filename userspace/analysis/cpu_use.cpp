#include "analysis/cpu_use.h"

#include <algorithm>

namespace observe {
namespace {

// Spreads stretches of time over equal parts of the window. Part i is [bound(i), bound(i + 1)).
class Parts {
 public:
  Parts(Time begin, Time end, std::size_t count)
      : begin_(begin), window_((end - begin).count()), time_(count) {}

  void add(Time from, Time to) {
    if (time_.empty() || window_ <= 0) return;
    for (std::size_t i = part_of(from); i < time_.size() && bound(i) < to; ++i) {
      const Nanos inside = std::min(to, bound(i + 1)) - std::max(from, bound(i));
      if (inside > Nanos{0}) time_[i] += inside;
    }
  }

  std::vector<double> shares() const {
    std::vector<double> result(time_.size());
    for (std::size_t i = 0; i < time_.size(); ++i) {
      const auto length = static_cast<double>((bound(i + 1) - bound(i)).count());
      if (length > 0) result[i] = static_cast<double>(time_[i].count()) / length;
    }
    return result;
  }

 private:
  // 128-bit products: a window of days in nanoseconds times the number of parts.
  __extension__ typedef __int128 Wide;
  std::int64_t count() const { return static_cast<std::int64_t>(time_.size()); }
  Time bound(std::size_t i) const {
    const Wide offset = Wide{window_} * static_cast<std::int64_t>(i) / count();
    return begin_ + Nanos{static_cast<std::int64_t>(offset)};
  }
  std::size_t part_of(Time at) const {
    const Wide part = Wide{(at - begin_).count()} * count() / window_;
    return static_cast<std::size_t>(std::clamp<Wide>(part, 0, count() - 1));
  }

  Time begin_;
  std::int64_t window_;
  std::vector<Nanos> time_;
};

}  // namespace

std::vector<CpuUse> cpu_use(const Facts& facts, std::size_t parts) {
  const Time begin = facts.trace.begin();
  const Time end = facts.trace.end();
  std::vector<std::uint64_t> switches(facts.timelines.cpus.size());
  for (const Switch& event : facts.trace.all<Switch>()) {
    if (begin <= event.at && event.at < end) ++switches[raw(event.cpu)];
  }
  std::vector<CpuUse> result;
  for (const CpuTimeline& cpu : facts.timelines.cpus) {
    if (cpu.slices.empty()) continue;
    CpuUse use{.cpu = cpu.cpu, .switches = switches[raw(cpu.cpu)]};
    Parts all(begin, end, parts);
    Parts targets(begin, end, parts);
    for (const CpuSlice& slice : cpu.slices) {
      if (!slice.known) {
        use.unknown += slice.length();
      } else if (slice.thread == kNoThread) {
        use.idle += slice.length();
      } else {
        use.busy += slice.length();
        all.add(slice.begin, slice.end);
        if (facts.info(slice.thread).target) {
          use.targets += slice.length();
          targets.add(slice.begin, slice.end);
        }
      }
    }
    use.utilisation = all.shares();
    use.target_utilisation = targets.shares();
    result.push_back(std::move(use));
  }
  return result;
}

}  // namespace observe
