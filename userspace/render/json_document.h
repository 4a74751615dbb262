// The document of one summary, for documents that hold several.
#pragma once

#include <nlohmann/json.hpp>

#include "report/summary.h"

namespace observe::render {

nlohmann::ordered_json summary_document(const report::Summary& summary);

// "shown", "refuted", "inconclusive", "cannot-tell".
const char* verdict_word(report::PredictionVerdict verdict);

}  // namespace observe::render
