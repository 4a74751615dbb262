#include "analysis/judge.h"

namespace observe {

std::span<const JudgeRow> judges() { return {}; }

}  // namespace observe
