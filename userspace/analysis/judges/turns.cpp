#include "analysis/judges/turns.h"

#include <algorithm>

namespace observe {

std::vector<Turn> turns_of(const Facts& facts, const std::vector<Actor>& actors, Time begin,
                           Time end) {
  std::vector<Turn> pieces;
  for (std::size_t i = 0; i < actors.size(); ++i) {
    for (const Interval& interval : facts.timeline(actors[i].thread).intervals) {
      if (interval.state != State::kRunning) continue;
      const Time from = std::max(interval.begin, begin);
      const Time to = std::min(interval.end, end);
      if (from < to) pieces.push_back({.actor = i, .begin = from, .end = to, .running = to - from});
    }
  }
  std::ranges::sort(pieces, {}, &Turn::begin);
  std::vector<Turn> turns;
  for (const Turn& piece : pieces) {
    // Between two of ours the switch is one event: any gap belongs to another thread, or to idle.
    if (!turns.empty() && turns.back().end < piece.begin) turns.back().interrupted = true;
    if (turns.empty() || turns.back().actor != piece.actor) {
      turns.push_back(piece);
      continue;
    }
    turns.back().end = std::max(turns.back().end, piece.end);
    turns.back().running += piece.running;
  }
  return turns;
}

}  // namespace observe
