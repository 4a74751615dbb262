// From a trace to what people and programs read: the one path for a run and for a report.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/invocation.h"
#include "app/output_files.h"
#include "base/result.h"
#include "report/repetitions.h"
#include "report/summary.h"
#include "trace/trace.h"

namespace observe::app {

report::Summary summarise_trace(const Trace& trace, bool show_progress);

// Prints the summary and writes the JSON; `json` is the opened file, where one was asked for.
Result<void> present(const report::Summary& summary, const OutputChoice& choice,
                     std::optional<OutputFile>& json, const std::vector<std::string>& files);

Result<void> present(const report::Repetitions& series, const OutputChoice& choice,
                     std::optional<OutputFile>& json, const std::vector<std::string>& files);

// What --strict wants: nothing lost or damaged, and every check passed that the kernel's promises
// allow.
bool strictly_good(const report::Summary& summary);

// The parameters of a workload in the order in which the summary's title shows them: its first
// own one, those that differ from their defaults, its other own ones.
std::vector<std::string> parameters_to_show(const report::Run& run);

}  // namespace observe::app
