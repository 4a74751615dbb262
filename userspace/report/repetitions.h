// What several runs of the same say together; schema observe.repetitions/1 names the fields.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "report/summary.h"

namespace observe::report {

// Of the values that there are: the middle one, or the mean of the two in the middle.
struct Spread {
  double median = 0, min = 0, max = 0;
  std::uint64_t count = 0;
};

struct VerdictCounts {
  std::uint64_t shown = 0, refuted = 0, inconclusive = 0, cannot_tell = 0;

  std::uint64_t all() const { return shown + refuted + inconclusive + cannot_tell; }
};

struct RepeatedReason {
  PredictionVerdict verdict = PredictionVerdict::kCannotTell;
  std::string reason;
  std::uint64_t count = 0;
};

struct RepeatedPrediction {
  std::string name, formula, unit;
  std::optional<Spread> predicted, measured;
  VerdictCounts verdicts;
  std::vector<RepeatedReason> reasons;  // of what was not shown, most frequent first
};

struct RepeatedMetric {
  std::string name;
  std::string unit;  // "ns" or ""
  Spread spread;
};

struct Repetitions {
  std::uint64_t asked = 0;
  std::vector<Summary> summaries;  // in order
  std::vector<bool> counted;       // which of them the rest is made of
  std::vector<RepeatedPrediction> predictions;
  std::vector<RepeatedMetric> metrics;
};

}  // namespace observe::report
