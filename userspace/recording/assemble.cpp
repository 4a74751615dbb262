#include "recording/assemble.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <ranges>
#include <string_view>
#include <utility>
#include <vector>

#include "recording/codec.h"
#include "recording/convert.h"
#include "recording/loss.h"
#include "recording/metadata.h"
#include "trace/builder.h"

namespace observe::recording {

namespace {

using chunk::Found;
using chunk::Type;

// Everything in a recording happens within 13 days of the window's beginning. What claims to be
// elsewhere is damage; and so that the arithmetic on times can never overflow.
constexpr std::int64_t kFarthest = std::int64_t{1} << 50;
constexpr std::uint64_t kLatest = std::uint64_t{1} << 62;  // ns since boot: 146 years

bool is_second(Type type) {
  return type == Type::kEvents || type == Type::kMarkers || type == Type::kLost;
}

// Items of a binary chunk; nothing when the payload is not a whole number of them.
template <class T>
std::optional<std::vector<T>> items_of(std::span<const std::byte> payload, std::uint32_t count) {
  if (payload.size() % sizeof(T) != 0 || payload.size() / sizeof(T) != count) return std::nullopt;
  std::vector<T> items(count);
  if (count > 0) std::memcpy(items.data(), payload.data(), payload.size());
  return items;
}

class Assembler {
 public:
  explicit Assembler(const chunk::Scan& scan) : scan_(scan) {}

  Trace run(std::uint64_t recording_bytes) {
    builder_.note_damaged_block(scan_.missing);
    read_metadata();
    each([](Type type) { return !chunk::is_json(type) && !is_second(type); },
         [this](const Found& found) { return read_first(found); });
    decide_origin();
    add_seeds();
    each(is_second, [this](const Found& found) { return read_second(found); });
    finish(recording_bytes);
    return std::move(builder_).build();
  }

 private:
  template <class Wanted, class Read>
  void each(Wanted wanted, Read read) {
    for (const Found& found : scan_.chunks) {
      if (!wanted(found.header.type)) continue;
      if (chunk::unpack(found, payload_) && read(found)) continue;
      builder_.note_damaged_block();
      if (found.header.type == Type::kEvents) note_damaged_events(found);
    }
  }

  void read_metadata();
  bool read_json(const Found& found);
  // Times and seeds: what else must be known before the first event.
  bool read_first(const Found& found);
  bool read_second(const Found& found);
  bool read_events(const Found& found);
  bool read_markers(const Found& found);
  bool read_lost(const Found& found);
  bool read_seeds(const Found& found, std::vector<ThreadSeed>& to);
  void note_damaged_events(const Found& found);
  template <class T>
  bool parse_json(Result<T> (*parse)(std::string_view), std::optional<T>& to);
  bool read_time(std::optional<Time>& to);

  void decide_origin();
  void add_seeds();
  void finish(std::uint64_t recording_bytes);

  bool plausible(std::uint64_t at) const {
    const auto distance = static_cast<std::int64_t>(at - origin_);
    return at < kLatest && distance <= kFarthest && distance >= -kFarthest;
  }
  Time clamped(Time time) const;

  const chunk::Scan& scan_;
  TraceBuilder builder_;
  LossLedger losses_;
  std::vector<std::byte> payload_;       // of the chunk being read
  std::vector<observe_record> records_;  // of the block being read
  std::optional<RunInfo> run_;
  std::optional<HostInfo> host_;
  std::optional<WorkloadInfo> workload_;
  std::optional<CaptureInfo> closing_;
  std::optional<CaptureInfo> progress_;
  std::optional<Time> window_begin_;
  std::optional<Time> checkpoint_;
  std::vector<ThreadSeed> first_seeds_;
  std::vector<ThreadSeed> last_seeds_;
  std::uint64_t origin_ = 0;  // ns: where times are measured from to see whether they make sense
};

template <class T>
bool Assembler::parse_json(Result<T> (*parse)(std::string_view), std::optional<T>& to) {
  Result<T> read = parse({reinterpret_cast<const char*>(payload_.data()), payload_.size()});
  if (!read) return false;
  to = *std::move(read);
  return true;
}

// Of each type only the last whole chunk is unpacked and parsed, however many there are.
void Assembler::read_metadata() {
  std::vector<Type> seen;
  for (const Found& found : scan_.chunks | std::views::reverse) {
    const Type type = found.header.type;
    if (!chunk::is_json(type)) continue;
    bool whole = chunk::intact(found);
    if (whole && std::ranges::find(seen, type) == seen.end()) {
      seen.push_back(type);
      whole = chunk::unpack(found, payload_) && read_json(found);
    }
    if (!whole) builder_.note_damaged_block();
  }
}

bool Assembler::read_json(const Found& found) {
  switch (found.header.type) {
    case Type::kRun:
      return parse_json(&run_from_json, run_);
    case Type::kHost:
      return parse_json(&host_from_json, host_);
    case Type::kWorkload:
      return parse_json(&workload_from_json, workload_);
    case Type::kClosing:
      return parse_json(&capture_from_json, closing_);
    default:
      return parse_json(&capture_from_json, progress_);
  }
}

bool Assembler::read_time(std::optional<Time>& to) {
  const auto items = items_of<std::uint64_t>(payload_, 1);
  if (!items || items->front() >= kLatest) return false;
  to = time_at(static_cast<std::int64_t>(items->front()));
  return true;
}

bool Assembler::read_seeds(const Found& found, std::vector<ThreadSeed>& to) {
  const auto seeds = items_of<observe_seed>(payload_, found.header.count);
  if (!seeds) return false;
  std::ranges::transform(*seeds, std::back_inserter(to), convert::seed_of);
  return true;
}

bool Assembler::read_first(const Found& found) {
  switch (found.header.type) {
    case Type::kWindowBegin:
      return read_time(window_begin_);
    case Type::kCheckpoint:
      return read_time(checkpoint_);
    case Type::kFirstSeeds:
      return read_seeds(found, first_seeds_);
    case Type::kLastSeeds:
      return read_seeds(found, last_seeds_);
    default:
      return true;  // a type added within this version: older readers go without it
  }
}

bool Assembler::read_second(const Found& found) {
  switch (found.header.type) {
    case Type::kEvents:
      return read_events(found);
    case Type::kMarkers:
      return read_markers(found);
    default:
      return read_lost(found);
  }
}

void Assembler::decide_origin() {
  if (closing_) {
    const std::int64_t begin = to_ns(closing_->window_begin);
    const bool sensible = begin > 0 && static_cast<std::uint64_t>(begin) < kLatest;
    if (sensible) window_begin_ = closing_->window_begin;
  }
  if (window_begin_) {
    origin_ = static_cast<std::uint64_t>(to_ns(*window_begin_));
    return;
  }
  for (const Found& found : scan_.chunks) {
    if (found.header.type != Type::kEvents || found.header.first_time >= kLatest) continue;
    if (origin_ == 0 || found.header.first_time < origin_) origin_ = found.header.first_time;
  }
}

void Assembler::add_seeds() {
  const auto add = [this](std::vector<ThreadSeed>& seeds) {
    for (ThreadSeed& seed : seeds) seed.at = clamped(seed.at);
    return std::span<const ThreadSeed>(seeds);
  };
  builder_.add_first_seeds(add(first_seeds_));
  builder_.add_last_seeds(add(last_seeds_));
}

bool Assembler::read_events(const Found& found) {
  const std::uint32_t stream = found.header.stream;
  const std::uint32_t number = stream / kLanes;
  if (number >= OBSERVE_MAX_CPUS) return false;
  const Cpu cpu{static_cast<std::uint16_t>(number)};
  records_.clear();
  if (!decode_block(payload_, cpu, records_)) return false;
  if (records_.size() != found.header.count) return false;
  for (const observe_record& record : records_) {
    if (!plausible(record.head.at)) return false;
    if (record.head.kind == OBSERVE_KIND_NONE || record.head.kind >= OBSERVE_KIND_END) return false;
  }
  losses_.see(stream, records_);
  for (const observe_record& record : records_) convert::add_record(record, stream, builder_);
  return true;
}

void Assembler::note_damaged_events(const Found& found) {
  const chunk::Header& header = found.header;
  if (header.stream / kLanes >= OBSERVE_MAX_CPUS || header.count > kMaxBlockRecords) return;
  if (!plausible(header.first_time) || !plausible(header.last_time)) return;
  losses_.miss(header.stream, header.first_seq, header.count, header.first_time, header.last_time);
}

bool Assembler::read_markers(const Found& found) {
  const auto markers = items_of<chunk::StoredMarker>(payload_, found.header.count);
  if (!markers || found.header.stream > 0xffff) return false;
  const auto lane = static_cast<std::uint16_t>(found.header.stream);
  if (!std::ranges::all_of(*markers, [&](const auto& marker) { return plausible(marker.at); })) {
    return false;
  }
  for (const chunk::StoredMarker& marker : *markers) {
    builder_.add(Marker{.at = time_at(static_cast<std::int64_t>(marker.at)),
                        .kind = marker.kind,
                        .lane = lane,
                        .a = marker.a,
                        .b = marker.b},
                 marker_stream(lane));
  }
  return true;
}

bool Assembler::read_lost(const Found& found) {
  const auto intervals = items_of<chunk::StoredLost>(payload_, found.header.count);
  if (!intervals) return false;
  for (const chunk::StoredLost& lost : *intervals) {
    if (!plausible(lost.from) || !plausible(lost.to) || lost.from > lost.to) return false;
    if (lost.cpu >= OBSERVE_MAX_CPUS) return false;
  }
  for (const chunk::StoredLost& lost : *intervals) {
    losses_.told({.cpu = Cpu{static_cast<std::uint16_t>(lost.cpu)},
                  .from = time_at(static_cast<std::int64_t>(lost.from)),
                  .to = time_at(static_cast<std::int64_t>(lost.to)),
                  .count = lost.count});
  }
  return true;
}

Time Assembler::clamped(Time time) const {
  const auto origin = static_cast<std::int64_t>(origin_);
  return time_at(std::clamp(to_ns(time), origin - kFarthest, origin + kFarthest));
}

// The window of a recording that was cut short ends at the last moment for which the events of all
// CPUs are there. Without any such mark, or without a beginning, it is empty: of a CPU without
// events nobody could say whether it had none, or whether they had not been written yet.
void Assembler::finish(std::uint64_t recording_bytes) {
  CaptureInfo capture = closing_ ? *closing_ : progress_.value_or(CaptureInfo{});
  capture.complete = closing_.has_value();
  capture.window_begin = window_begin_.value_or(time_at(static_cast<std::int64_t>(origin_)));
  if (!capture.complete) {
    builder_.note_incomplete();
    capture.end_reason = "the recording was cut short";
    capture.window_end = window_begin_ && checkpoint_ ? *checkpoint_ : capture.window_begin;
  }
  capture.window_end = std::max(clamped(capture.window_end), capture.window_begin);
  for (HostSample* sample : {&capture.before, &capture.after}) sample->at = clamped(sample->at);

  if (host_) {
    for (int* cpus : {&host_->cpus_online, &host_->cpus_possible}) {
      *cpus = std::clamp(*cpus, 0, OBSERVE_MAX_CPUS);
    }
    std::erase_if(host_->topology,
                  [](const CpuTopology& cpu) { return raw(cpu.cpu) >= OBSERVE_MAX_CPUS; });
  }
  if (workload_) {
    workload_->phase_begin = clamped(workload_->phase_begin);
    workload_->phase_end = clamped(workload_->phase_end);
    for (WorkloadThread& thread : workload_->threads) {
      thread.begin = clamped(thread.begin);
      thread.end = clamped(thread.end);
    }
  }
  for (const LostInterval& lost : losses_.settle(capture.window_begin)) builder_.add_lost(lost);
  if (run_) builder_.set_run(*std::move(run_));
  if (host_) builder_.set_host(*std::move(host_));
  if (workload_) builder_.set_workload(*std::move(workload_));
  builder_.set_capture(std::move(capture));
  builder_.set_recording_bytes(recording_bytes);
}

}  // namespace

Trace assemble(const chunk::Scan& scan, std::uint64_t recording_bytes) {
  return Assembler(scan).run(recording_bytes);
}

}  // namespace observe::recording
