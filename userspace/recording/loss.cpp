#include "recording/loss.h"

#include <algorithm>

namespace observe::recording {

namespace {

Time time_of(std::uint64_t at) { return time_at(static_cast<std::int64_t>(at)); }

}  // namespace

void LossLedger::note_gap(std::uint32_t stream_id, Stream& stream, std::uint32_t seq, Time at) {
  const std::uint32_t missing = seq - stream.next_seq;
  // More than half of all numbers ahead is behind: no drop explains that, and it is not counted.
  if (missing != 0 && missing < 0x8000'0000) {
    const Cpu cpu{static_cast<std::uint16_t>(stream_id / OBSERVE_LANES)};
    const Time from = std::min(stream.last.value_or(at), at);
    gaps_.push_back({stream.last, {.cpu = cpu, .from = from, .to = at, .count = missing}});
  }
}

void LossLedger::see(std::uint32_t stream_id, std::span<const observe_record> records) {
  Stream& stream = streams_[stream_id];
  for (const observe_record& record : records) {
    const Time at = time_of(record.head.at);
    if (record.head.seq != stream.next_seq) note_gap(stream_id, stream, record.head.seq, at);
    stream.next_seq = record.head.seq + 1;
    stream.last = at;
  }
}

void LossLedger::miss(std::uint32_t stream_id, std::uint32_t first_seq, std::uint32_t count,
                      std::uint64_t first_time, std::uint64_t last_time) {
  Stream& stream = streams_[stream_id];
  const Time first = time_of(std::min(first_time, last_time));
  const Time last = time_of(std::max(first_time, last_time));
  if (first_seq != stream.next_seq) note_gap(stream_id, stream, first_seq, first);
  const Cpu cpu{static_cast<std::uint16_t>(stream_id / OBSERVE_LANES)};
  gaps_.push_back({first, {.cpu = cpu, .from = first, .to = last, .count = count}});
  stream.next_seq = first_seq + count;
  stream.last = last;
}

std::vector<LostInterval> LossLedger::settle(Time window_begin) const {
  std::vector<LostInterval> all;
  for (const Gap& gap : gaps_) {
    LostInterval lost = gap.lost;
    if (!gap.from) lost.from = std::min(window_begin, lost.to);
    all.push_back(lost);
  }
  const std::size_t seen = all.size();
  // By CPU and end, for the look-ups below.
  std::ranges::sort(all, {}, [](const LostInterval& lost) { return std::pair(lost.cpu, lost.to); });
  for (const LostInterval& told : told_) {
    const auto begin = all.begin();
    const auto [first, last] =
        std::equal_range(begin, begin + static_cast<std::ptrdiff_t>(seen), told,
                         [](const LostInterval& a, const LostInterval& b) {
                           return std::pair(a.cpu, a.to) < std::pair(b.cpu, b.to);
                         });
    const bool known = std::any_of(
        first, last, [&](const LostInterval& lost) { return lost.count == told.count; });
    // Or it lies within a block that is lost as a whole.
    const auto after = last != begin + static_cast<std::ptrdiff_t>(seen) ? last : first;
    const bool within = after != begin + static_cast<std::ptrdiff_t>(seen) &&
                        after->cpu == told.cpu && after->from <= told.from &&
                        after->to >= told.to && after->count >= told.count;
    if (!known && !within) all.push_back(told);
  }
  return all;
}

}  // namespace observe::recording
