// Judges a workload's ground truth against the kernel's events: one function per workload, found
// by name in the one table in judges.cpp.
#pragma once

#include <span>
#include <string_view>

#include "analysis/noise.h"
#include "analysis/timelines.h"
#include "report/summary.h"

namespace observe {

struct Judgement {
  report::Workload workload;
  std::vector<report::Finding> findings;  // the first is the verdict in one sentence
};

using JudgeFunction = Judgement (*)(const Facts&, const Noise&);

struct JudgeRow {
  std::string_view workload;
  JudgeFunction judge;
};

std::span<const JudgeRow> judges();

Judgement judge_contended_counter(const Facts& facts, const Noise& noise);

}  // namespace observe
