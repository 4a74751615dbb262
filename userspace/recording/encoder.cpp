#include <bit>
#include <utility>

#include "base/check.h"
#include "recording/codec.h"
#include "recording/codec_model.h"

namespace observe {

namespace {

// Shares of a block's buffer. A block is full when one of them may not hold another record.
constexpr std::size_t kCodes = std::size_t{40} << 10;
constexpr std::size_t kTids = kMaxBlockRecords;
constexpr std::size_t kTimes = std::size_t{72} << 10;
constexpr std::size_t kExtras = kMaxBlockBytes - codec::kBlockHeaderBytes - kCodes - kTids - kTimes;

// The most that one record takes: a code and every exception; one varint; all of the extras.
constexpr std::size_t kMostCodes = 5;
constexpr std::size_t kMostTime = 10;
constexpr std::size_t kMostExtras = 96;

std::uint8_t* put_varint(std::uint8_t* to, std::uint64_t value) {
  while (value >= 0x80) {
    *to++ = static_cast<std::uint8_t>(value | 0x80);
    value >>= 7;
  }
  *to++ = static_cast<std::uint8_t>(value);
  return to;
}

}  // namespace

struct EncodedBlock::Buffer {
  std::array<std::uint32_t, 4> sizes;
  // Not zeroed: memory that is never written is never given by the system.
  std::uint8_t codes[kCodes];
  std::uint8_t tids[kTids];
  std::uint8_t times[kTimes];
  std::uint8_t extras[kExtras];
};

EncodedBlock::EncodedBlock() = default;
EncodedBlock::EncodedBlock(EncodedBlock&& other) noexcept = default;
EncodedBlock::~EncodedBlock() = default;
EncodedBlock& EncodedBlock::operator=(EncodedBlock&& other) noexcept = default;

void EncodedBlock::append_to(std::vector<std::byte>& out) const {
  if (empty() || !buffer_) return;
  const auto& sizes = buffer_->sizes;
  const codec::BlockHeader header{.count = count_,
                                  .lane = lane_,
                                  .first_seq = first_seq_,
                                  .reserved = 0,
                                  .first_at = first_at_,
                                  .last_at = last_at_,
                                  .sizes = sizes};
  const auto append = [&](const void* bytes, std::size_t size) {
    const auto* from = static_cast<const std::byte*>(bytes);
    out.insert(out.end(), from, from + size);
  };
  append(&header, sizeof header);
  append(buffer_->codes, sizes[0]);
  append(buffer_->tids, sizes[1]);
  append(buffer_->times, sizes[2]);
  append(buffer_->extras, sizes[3]);
}

struct BlockEncoder::State {
  Cpu cpu;
  std::uint32_t lane;
  std::uint32_t count = 0;
  std::uint32_t first_seq = 0;
  std::uint64_t first_at = 0;
  codec::Model model;
  std::unique_ptr<EncodedBlock::Buffer> buffer;
  std::unique_ptr<EncodedBlock::Buffer> spare;
  std::uint8_t* codes = nullptr;  // where the next byte of each column goes
  std::uint8_t* tids = nullptr;
  std::uint8_t* times = nullptr;
  std::uint8_t* extras = nullptr;

  void start(const observe_head& head);
  bool full() const;
  void add_head(const observe_head& head);
  void add_current(std::uint32_t tid);
  void add_shape(const codec::Shape& shape);
  void add_tid(std::uint32_t tid);
  void add_switch(const observe_switch& record);
  void add_wake(const observe_wake& record);
  void add_literal(const observe_record& record);
};

void BlockEncoder::State::start(const observe_head& head) {
  if (!buffer) buffer = std::move(spare);
  if (!buffer) buffer = std::make_unique_for_overwrite<EncodedBlock::Buffer>();
  codes = buffer->codes;
  tids = buffer->tids;
  times = buffer->times;
  extras = buffer->extras;
  model = codec::Model{};
  model.at = first_at = head.at;
  model.seq = first_seq = head.seq;
}

bool BlockEncoder::State::full() const {
  const auto left = [](const std::uint8_t* next, const auto& column) {
    return static_cast<std::size_t>(std::end(column) - next);
  };
  return count == kMaxBlockRecords || left(codes, buffer->codes) < kMostCodes ||
         left(times, buffer->times) < kMostTime || left(extras, buffer->extras) < kMostExtras;
}

inline void BlockEncoder::State::add_head(const observe_head& head) {
  if (head.seq != model.seq) [[unlikely]] {
    *codes++ = codec::kOtherSeq;
    extras = put_varint(extras, static_cast<std::uint32_t>(head.seq - model.seq));
  }
  model.seq = head.seq + 1;
  std::uint64_t passed = head.at - model.at;
  if (static_cast<std::int64_t>(passed) < 0) [[unlikely]] {
    *codes++ = codec::kOlder;
    extras = put_varint(extras, ~passed + 1);
    passed = 0;
  }
  times = put_varint(times, passed);
  model.at = head.at;
}

inline void BlockEncoder::State::add_current(std::uint32_t tid) {
  if (tid == model.current) [[likely]]
    return;
  *codes++ = codec::kOtherCurrent;
  extras = put_varint(extras, tid);
}

inline void BlockEncoder::State::add_shape(const codec::Shape& shape) {
  const std::uint32_t slot = codec::shape_slot(shape);
  if (model.shapes[slot] == shape) [[likely]] {
    *codes++ = static_cast<std::uint8_t>(slot);
    return;
  }
  model.shapes[slot] = shape;
  *codes++ = codec::kNewShape;
  extras = put_varint(extras, shape.a);
  extras = put_varint(extras, shape.b);
  extras = put_varint(extras, shape.c);
}

inline void BlockEncoder::State::add_tid(std::uint32_t tid) {
  const std::uint32_t slot = codec::tid_slot(tid);
  if (model.tids[slot] == tid) [[likely]] {
    *tids++ = static_cast<std::uint8_t>(slot);
    return;
  }
  model.tids[slot] = tid;
  *tids++ = codec::kNewTid;
  extras = put_varint(extras, tid);
}

inline void BlockEncoder::State::add_switch(const observe_switch& record) {
  const codec::Shape shape = codec::shape_of(record);
  add_current(record.prev);
  const codec::Counters::Pair counters{record.nvcsw, record.nivcsw};
  const codec::Counters::Pair predicted = model.counters.predict(record.prev, shape);
  if (counters != predicted) [[unlikely]] {
    *codes++ = codec::kOtherCounters;
    extras = put_varint(extras, codec::zigzag(counters.nvcsw, predicted.nvcsw));
    extras = put_varint(extras, codec::zigzag(counters.nivcsw, predicted.nivcsw));
  }
  model.counters.note(record.prev, counters);
  add_shape(shape);
  add_tid(record.next);
  model.current = record.next;
}

inline void BlockEncoder::State::add_wake(const observe_wake& record) {
  add_current(record.by);
  add_shape(codec::shape_of(record));
  add_tid(record.tid);
}

void BlockEncoder::State::add_literal(const observe_record& record) {
  *codes++ = codec::kLiteral;
  *extras++ = record.head.kind;
  *extras++ = record.head.flags;
  std::memcpy(extras, record.body, sizeof record.body);
  extras += sizeof record.body;
}

BlockEncoder::BlockEncoder(Cpu cpu, std::uint32_t lane)
    : state_(std::make_unique<State>(State{.cpu = cpu, .lane = lane})) {}
BlockEncoder::BlockEncoder(BlockEncoder&&) noexcept = default;
BlockEncoder& BlockEncoder::operator=(BlockEncoder&&) noexcept = default;
BlockEncoder::~BlockEncoder() = default;

bool BlockEncoder::add(const observe_record& record) {
  State& state = *state_;
  if (state.count == 0) state.start(record.head);
  OBSERVE_CHECK(state.count < kMaxBlockRecords);
  ++state.count;
  state.add_head(record.head);
  if (record.head.kind == OBSERVE_KIND_SWITCH) {
    const auto switched = std::bit_cast<observe_switch>(record);
    if (switched.reserved == 0) [[likely]] {
      state.add_switch(switched);
      return state.full();
    }
  } else if (codec::is_wake(record.head.kind)) {
    const auto woken = std::bit_cast<observe_wake>(record);
    if ((woken.reserved[0] | woken.reserved[1] | woken.reserved[2]) == 0) [[likely]] {
      state.add_wake(woken);
      return state.full();
    }
  }
  state.add_literal(record);
  return state.full();
}

bool BlockEncoder::empty() const { return state_->count == 0; }
std::uint32_t BlockEncoder::count() const { return state_->count; }
Time BlockEncoder::first_time() const {
  return time_at(static_cast<std::int64_t>(state_->first_at));
}

EncodedBlock BlockEncoder::take() {
  State& state = *state_;
  EncodedBlock block;
  block.cpu_ = state.cpu;
  block.lane_ = state.lane;
  if (state.count == 0) return block;
  block.count_ = std::exchange(state.count, 0);
  block.first_seq_ = state.first_seq;
  block.first_at_ = state.first_at;
  block.last_at_ = state.model.at;
  EncodedBlock::Buffer& buffer = *state.buffer;
  buffer.sizes = {static_cast<std::uint32_t>(state.codes - buffer.codes),
                  static_cast<std::uint32_t>(state.tids - buffer.tids),
                  static_cast<std::uint32_t>(state.times - buffer.times),
                  static_cast<std::uint32_t>(state.extras - buffer.extras)};
  block.buffer_ = std::move(state.buffer);
  return block;
}

void BlockEncoder::recycle(EncodedBlock&& block) {
  if (!state_->spare) state_->spare = std::move(block.buffer_);
  block = EncodedBlock{};
}

}  // namespace observe
