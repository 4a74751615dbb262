// Where in time, and on which CPU, events were lost.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "trace/run.h"

namespace observe {

class LossMap {
 public:
  explicit LossMap(std::span<const LostInterval> lost);

  bool empty() const { return everywhere_.empty(); }
  // The moment within [since, until) from which nothing is certain on that CPU any more: the
  // beginning of the first gap that ends after `since` and begins before `until`.
  std::optional<Time> first(Cpu cpu, Time since, Time until) const;
  std::optional<Time> first_anywhere(Time since, Time until) const;

 private:
  struct Gap {
    Time from;
    Time to;
  };
  static void merge(std::vector<Gap>& gaps);
  static std::optional<Time> find(const std::vector<Gap>& gaps, Time since, Time until);

  std::vector<std::vector<Gap>> by_cpu_;  // merged: disjoint and in order
  std::vector<Gap> everywhere_;
};

}  // namespace observe
