#include "analysis/parallelism.h"

#include "analysis/overlap.h"

namespace observe {
namespace {

double mean(const std::vector<Nanos>& time_at, Nanos window) {
  if (window <= Nanos{0}) return 0;
  double sum = 0;
  for (std::size_t k = 1; k < time_at.size(); ++k) {
    sum += static_cast<double>(k) * static_cast<double>(time_at[k].count());
  }
  return sum / static_cast<double>(window.count());
}

}  // namespace

double Parallelism::share_running(std::size_t at_least) const {
  Nanos all{};
  Nanos enough{};
  for (std::size_t k = 0; k < running.size(); ++k) {
    all += running[k];
    if (k >= at_least) enough += running[k];
  }
  return all > Nanos{0} ? static_cast<double>(enough.count()) / static_cast<double>(all.count())
                        : 0;
}

Parallelism parallelism(const Facts& facts) {
  Overlap running;
  Overlap runnable;
  facts.for_each_thread([&](ThreadRef, const ThreadInfo& info, const ThreadTimeline& timeline) {
    if (!info.target) return;
    for (const Interval& interval : timeline.intervals) {
      if (interval.state == State::kRunning) running.add(interval.begin, interval.end);
      if (interval.state == State::kRunning || interval.state == State::kWaiting) {
        runnable.add(interval.begin, interval.end);
      }
    }
  });
  Parallelism result;
  result.running = running.distribution(facts.window());
  result.runnable = runnable.distribution(facts.window());
  result.parallelism_mean = mean(result.running, facts.window());
  result.concurrency_mean = mean(result.runnable, facts.window());
  return result;
}

}  // namespace observe
