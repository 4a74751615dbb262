// How many of a set of intervals overlap at each moment.
#pragma once

#include <cstddef>
#include <vector>

#include "base/units.h"

namespace observe {

class Overlap {
 public:
  // Empty intervals count for nothing; one that begins where the last one added ended becomes part
  // of it, which changes no depth.
  void add(Time begin, Time end) {
    if (begin >= end) return;
    if (!ends_.empty() && ends_.back() == begin) {
      ends_.back() = end;
      return;
    }
    begins_.push_back(begin);
    ends_.push_back(end);
  }

  // Calls visit(Time begin, Time end, std::size_t depth) for every stretch of constant depth above
  // zero, in time order. Consumes what was added.
  template <class Visit>
  void for_each_stretch(Visit&& visit) {
    sort(begins_);
    sort(ends_);
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
    begins_.clear();
    ends_.clear();
  }

  // The time spent at each depth; what is left of `window` was at depth zero.
  std::vector<Nanos> distribution(Nanos window);

 private:
  static void sort(std::vector<Time>& values);

  std::vector<Time> begins_;
  std::vector<Time> ends_;
};

}  // namespace observe
