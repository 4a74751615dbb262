#include "recording/loss.h"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

namespace observe::recording {

namespace {

// More of them, and those of a stream grow together: 200 MB. What a recorder that is hopelessly
// behind leaves is one for some hundred records.
constexpr std::size_t kMostGaps = std::size_t{1} << 22;

Time time_of(std::uint64_t at) { return time_at(static_cast<std::int64_t>(at)); }

}  // namespace

void LossLedger::add_gap(Stream& stream, const Gap& gap) {
  if (gaps_.size() >= kMostGaps && stream.gap) {
    LostInterval& lost = gaps_[*stream.gap].lost;
    lost.to = std::max(lost.to, gap.lost.to);
    lost.count += gap.lost.count;
    return;
  }
  stream.gap = gaps_.size();
  gaps_.push_back(gap);
}

void LossLedger::note_gap(std::uint32_t stream_id, Stream& stream, std::uint32_t seq, Time at) {
  const std::uint32_t missing = seq - stream.next_seq;
  // More than half of all numbers ahead is behind: no drop explains that, and it is not counted.
  if (missing != 0 && missing < 0x8000'0000) {
    const Cpu cpu{static_cast<std::uint16_t>(stream_id / OBSERVE_LANES)};
    const Time from = std::min(stream.last.value_or(at), at);
    add_gap(stream, {stream.last, {.cpu = cpu, .from = from, .to = at, .count = missing}});
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
  add_gap(stream, {first, {.cpu = cpu, .from = first, .to = last, .count = count}});
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
  // By CPU and end, for the look-ups below; a binary search each, as a hostile file can have any
  // number of them end at one moment.
  const auto key = [](const LostInterval& lost) {
    return std::tuple(lost.cpu, lost.to, lost.count);
  };
  std::ranges::sort(all, {}, key);
  for (const LostInterval& told : told_) {
    const std::span<const LostInterval> own = std::span(all).first(seen);
    const bool known = std::ranges::binary_search(own, key(told), {}, key);
    // Or it lies within a block that is lost as a whole.
    const auto after = std::ranges::upper_bound(
        own, std::pair(told.cpu, told.to), {},
        [](const LostInterval& lost) { return std::pair(lost.cpu, lost.to); });
    const auto covers = [&told](const LostInterval& lost) {
      return lost.cpu == told.cpu && lost.from <= told.from && lost.to >= told.to &&
             lost.count >= told.count;
    };
    const bool within = (after != own.end() && covers(*after)) ||
                        (after != own.begin() && covers(*std::prev(after)));
    if (!known && !within) all.push_back(told);
  }
  return all;
}

}  // namespace observe::recording
