#include "analysis/holders.h"

#include <algorithm>

namespace observe {
namespace {

class Sums {
 public:
  explicit Sums(std::size_t threads) : by_thread_(threads) {}

  void add(const CpuSlice& slice, Nanos time) {
    if (!slice.known) {
      unknown_ += time;
    } else if (slice.thread == kNoThread) {
      idle_ += time;
    } else {
      by_thread_[raw(slice.thread)] += time;
    }
  }

  std::vector<Holding> longest_first() const {
    std::vector<Holding> result;
    for (std::uint32_t i = 0; i < by_thread_.size(); ++i) {
      if (by_thread_[i] > Nanos{0}) {
        result.push_back({Holding::Kind::kThread, ThreadRef{i}, by_thread_[i]});
      }
    }
    if (idle_ > Nanos{0}) result.push_back({Holding::Kind::kIdle, kNoThread, idle_});
    if (unknown_ > Nanos{0}) result.push_back({Holding::Kind::kUnknown, kNoThread, unknown_});
    std::ranges::stable_sort(result, std::greater{}, &Holding::time);
    return result;
  }

 private:
  std::vector<Nanos> by_thread_;
  Nanos idle_{};
  Nanos unknown_{};
};

template <class Add>
void walk(const Facts& facts, Cpu cpu, Time begin, Time end, Add&& add) {
  if (raw(cpu) >= facts.timelines.cpus.size()) return;
  const std::vector<CpuSlice>& slices = facts.timelines.cpus[raw(cpu)].slices;
  auto slice = std::ranges::upper_bound(slices, begin, {}, &CpuSlice::end);
  for (; slice != slices.end() && slice->begin < end; ++slice) {
    add(*slice, std::min(end, slice->end) - std::max(begin, slice->begin));
  }
}

}  // namespace

std::vector<Holding> holders(const Facts& facts, const WaitStretches& waits) {
  Sums sums(facts.timelines.threads.size());
  for_each_held(facts, waits,
                [&](const CpuSlice& slice, Time begin, Time end, std::size_t waiting) {
                  sums.add(slice, (end - begin) * static_cast<std::int64_t>(waiting));
                });
  return sums.longest_first();
}

std::vector<Holding> holders(const Facts& facts) { return holders(facts, waiting_targets(facts)); }

std::vector<Holding> holders_of(const Facts& facts, ThreadRef ref) {
  Sums sums(facts.timelines.threads.size());
  for (const Interval& interval : facts.timeline(ref).intervals) {
    if (interval.state != State::kWaiting) continue;
    walk(facts, interval.cpu, interval.begin, interval.end,
         [&](const CpuSlice& slice, Nanos time) { sums.add(slice, time); });
  }
  return sums.longest_first();
}

std::vector<Holding> holders_during(const Facts& facts, Cpu cpu, Time begin, Time end) {
  Sums sums(facts.timelines.threads.size());
  walk(facts, cpu, begin, end, [&](const CpuSlice& slice, Nanos time) { sums.add(slice, time); });
  return sums.longest_first();
}

}  // namespace observe
