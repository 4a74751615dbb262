#include "analysis/cpu_use.h"

#include <algorithm>

namespace observe {
namespace {

// Spreads stretches of time, added in order, over equal parts of the window.
class Parts {
 public:
  Parts(Time begin, Time end, std::size_t count) : time_(count) {
    // floor(window * i / count), without a product that could overflow.
    const auto parts = static_cast<std::int64_t>(count);
    const std::int64_t window = (end - begin).count();
    for (std::int64_t i = 0; i <= parts && parts > 0; ++i) {
      bounds_.push_back(begin + Nanos{window / parts * i + window % parts * i / parts});
    }
  }

  void add(Time from, Time to) {
    while (first_ < time_.size() && bounds_[first_ + 1] <= from) ++first_;
    for (std::size_t i = first_; i < time_.size() && bounds_[i] < to; ++i) {
      time_[i] += std::min(to, bounds_[i + 1]) - std::max(from, bounds_[i]);
    }
  }

  std::vector<double> shares() const {
    std::vector<double> result(time_.size());
    for (std::size_t i = 0; i < time_.size(); ++i) {
      const auto length = static_cast<double>((bounds_[i + 1] - bounds_[i]).count());
      if (length > 0) result[i] = static_cast<double>(time_[i].count()) / length;
    }
    return result;
  }

 private:
  std::vector<Time> bounds_;
  std::vector<Nanos> time_;
  std::size_t first_ = 0;  // what comes now does not touch earlier parts
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
