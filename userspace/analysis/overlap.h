// How many of a set of intervals overlap at each moment. Each thread contributes intervals that
// are already in time order, so the edges are merged, not sorted.
#pragma once

#include <cstddef>
#include <vector>

#include "base/units.h"

namespace observe {

class Overlap {
 public:
  // Intervals of one run must come in time order and must not overlap each other; those that touch
  // become one. Empty ones count for nothing.
  void add(Time begin, Time end);
  void end_run();

  // Calls visit(Time begin, Time end, std::size_t depth) for every stretch of constant depth above
  // zero, in time order. Consumes what was added.
  template <class Visit>
  void for_each_stretch(Visit&& visit) {
    end_run();
    merge_runs(begins_, run_ends_);
    merge_runs(ends_, run_ends_);
    std::size_t begun = 0;
    std::size_t ended = 0;
    Time since;
    while (ended < ends_.size()) {
      const bool begins = begun < begins_.size() && begins_[begun] < ends_[ended];
      const Time at = begins ? begins_[begun] : ends_[ended];
      if (begun > ended && at > since) visit(since, at, begun - ended);
      since = at;
      ++(begins ? begun : ended);
    }
    clear();
  }

  // The time spent at each depth; what is left of `window` was at depth zero.
  std::vector<Nanos> distribution(Nanos window);

 private:
  static void merge_runs(std::vector<Time>& values, std::vector<std::size_t> run_ends);
  void clear();

  std::vector<Time> begins_;
  std::vector<Time> ends_;
  std::vector<std::size_t> run_ends_;
};

}  // namespace observe
