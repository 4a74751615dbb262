// The parts of the terminal summary: each makes its lines, terminal.cpp shares out the room.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "render/canvas.h"
#include "render/terminal.h"
#include "report/summary.h"

namespace observe::render {

// Every label stands in the first columns, everything else begins here.
inline constexpr std::size_t kTextColumn = 12;

using Lines = std::vector<Line>;

// `label`, then the text wrapped behind it to at most `most` lines.
Lines labelled(std::string_view label, Ink ink, std::string_view words, std::size_t columns,
               std::size_t most);

Lines title_lines(const report::Summary& summary, const SummaryOptions& options);
// The predictions take what `most` leaves behind the verdict and the result.
Lines verdict_lines(const report::Summary& summary, std::size_t columns, std::size_t most);
Lines evidence_lines(const report::Summary& summary, std::size_t columns, std::size_t most);
// A legend and `rows` bars at most; the last stands for all roles that did not fit.
Lines role_lines(const report::Summary& summary, std::size_t columns, std::size_t rows);
Lines cpu_lines(const report::Summary& summary, std::size_t columns, std::size_t rows);
Lines number_lines(const report::Summary& summary, std::size_t columns);
// Tasks that a program schedules by itself: one line for each thread that carries some, at most
// two.
Lines user_task_lines(const report::Summary& summary, std::size_t columns);
Lines trust_lines(const report::Summary& summary, const SummaryOptions& options);

}  // namespace observe::render
