// The summary on a terminal: at most 24 lines of at most 80 columns.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "render/canvas.h"
#include "report/summary.h"

namespace observe::render {

inline constexpr std::size_t kSummaryLines = 24;

struct SummaryOptions {
  TerminalStyle style;
  // Names of the workload's parameters in the order in which to show them, as far as the line goes.
  std::vector<std::string> parameters;
  std::vector<std::string> files;  // what this run left behind
};

std::string terminal_summary(const report::Summary& summary, const SummaryOptions& options);

}  // namespace observe::render
