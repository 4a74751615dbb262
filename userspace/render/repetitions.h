// Several runs of the same: one table for the terminal, one document for programs.
#pragma once

#include <string>

#include "render/terminal.h"
#include "report/repetitions.h"

namespace observe::render {

inline constexpr const char* kRepetitionsSchema = "observe.repetitions/1";

// Medians and spreads. At most 80 columns; as many lines as there is to say. Not for no runs.
std::string terminal_repetitions(const report::Repetitions& repetitions,
                                 const SummaryOptions& options);

// {schema, asked, counted[], repetitions[observe.summary/1…], predictions[], metrics[]}, as
// json_summary() writes.
std::string json_repetitions(const report::Repetitions& repetitions);

}  // namespace observe::render
