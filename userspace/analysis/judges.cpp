#include "analysis/judge.h"

namespace observe {

std::span<const JudgeRow> judges() {
  static constexpr JudgeRow kRows[] = {
      {"contended-counter", judge_contended_counter},
  };
  return kRows;
}

}  // namespace observe
