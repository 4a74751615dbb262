#include "analysis/overlap.h"

#include <algorithm>

namespace observe {

void Overlap::add(Time begin, Time end) {
  if (begin >= end) return;
  const std::size_t run_begin = run_ends_.empty() ? 0 : run_ends_.back();
  if (ends_.size() > run_begin && ends_.back() == begin) {
    ends_.back() = end;
    return;
  }
  begins_.push_back(begin);
  ends_.push_back(end);
}

void Overlap::end_run() {
  const std::size_t run_begin = run_ends_.empty() ? 0 : run_ends_.back();
  if (begins_.size() > run_begin) run_ends_.push_back(begins_.size());
}

void Overlap::clear() {
  begins_.clear();
  ends_.clear();
  run_ends_.clear();
}

std::vector<Nanos> Overlap::distribution(Nanos window) {
  std::vector<Nanos> time(1, Nanos{0});
  Nanos above_zero{};
  for_each_stretch([&](Time begin, Time end, std::size_t depth) {
    if (depth >= time.size()) time.resize(depth + 1);
    time[depth] += end - begin;
    above_zero += end - begin;
  });
  time[0] = window - above_zero;
  return time;
}

// Pairs of neighbouring runs are merged until one is left.
void Overlap::merge_runs(std::vector<Time>& values, std::vector<std::size_t> run_ends) {
  std::vector<Time> merged(run_ends.size() > 1 ? values.size() : 0);
  while (run_ends.size() > 1) {
    std::vector<std::size_t> next_ends;
    std::size_t begin = 0;
    const auto position = [](std::vector<Time>& in, std::size_t index) {
      return in.begin() + static_cast<std::ptrdiff_t>(index);
    };
    for (std::size_t i = 0; i < run_ends.size(); i += 2) {
      const std::size_t middle = run_ends[i];
      const std::size_t end = i + 1 < run_ends.size() ? run_ends[i + 1] : middle;
      std::merge(position(values, begin), position(values, middle), position(values, middle),
                 position(values, end), position(merged, begin));
      next_ends.push_back(end);
      begin = end;
    }
    values.swap(merged);
    run_ends = std::move(next_ends);
  }
}

}  // namespace observe
