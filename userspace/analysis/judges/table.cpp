#include "analysis/judges/judge.h"

namespace observe {
namespace {

constexpr JudgeRow kJudges[] = {
    {"contended-counter", judge_contended_counter},
};

}  // namespace

std::span<const JudgeRow> judges() { return kJudges; }

}  // namespace observe
