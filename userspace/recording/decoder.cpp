#include <algorithm>
#include <bit>

#include "recording/codec.h"
#include "recording/codec_model.h"

namespace observe {

namespace {

// Reads one column. A read beyond its end gives zeros and is remembered.
class Column {
 public:
  explicit Column(std::span<const std::byte> bytes)
      : next_(reinterpret_cast<const std::uint8_t*>(bytes.data())), end_(next_ + bytes.size()) {}

  bool failed() const { return failed_; }
  bool exhausted() const { return next_ == end_ && !failed_; }

  std::uint8_t byte() {
    if (next_ == end_) [[unlikely]] {
      failed_ = true;
      return 0;
    }
    return *next_++;
  }

  std::uint64_t varint() {
    const std::uint8_t first = byte();
    if (first < 0x80) [[likely]]
      return first;
    std::uint64_t value = first & 0x7f;
    for (unsigned shift = 7; shift < 64; shift += 7) {
      const std::uint8_t next = byte();
      const std::uint64_t bits = next & 0x7fu;
      if (shift == 63 && bits > 1) break;  // more than 64 bits
      value |= bits << shift;
      if (next < 0x80) return value;
    }
    failed_ = true;
    return 0;
  }

  std::uint32_t varint32() {
    const std::uint64_t value = varint();
    if (value > 0xffff'ffff) failed_ = true;
    return static_cast<std::uint32_t>(value);
  }

  void copy(void* to, std::size_t size) {
    if (static_cast<std::size_t>(end_ - next_) < size) {
      failed_ = true;
      return;
    }
    std::memcpy(to, next_, size);
    next_ += size;
  }

 private:
  const std::uint8_t* next_;
  const std::uint8_t* end_;
  bool failed_ = false;
};

class Decoder {
 public:
  Decoder(const codec::BlockHeader& header, std::span<const std::byte> columns)
      : codes_(columns.subspan(0, header.sizes[0])),
        tids_(columns.subspan(header.sizes[0], header.sizes[1])),
        times_(columns.subspan(header.sizes[0] + header.sizes[1], header.sizes[2])),
        extras_(columns.subspan(header.sizes[0] + header.sizes[1] + header.sizes[2])) {
    model_.at = header.first_at;
    model_.seq = header.first_seq;
  }

  // False when the block is not well-formed.
  bool next(observe_record& record);
  bool exhausted() const {
    return codes_.exhausted() && tids_.exhausted() && times_.exhausted() && extras_.exhausted();
  }
  std::uint64_t at() const { return model_.at; }

 private:
  // What the exceptions before a code say.
  struct Exceptions {
    bool current = false;
    bool counters = false;
    std::uint32_t current_tid = 0;
    std::uint32_t nvcsw = 0;
    std::uint32_t nivcsw = 0;
  };

  bool read_exceptions(std::uint8_t& code, Exceptions& exceptions);
  bool read_literal(observe_record& record);
  std::uint32_t read_tid();
  bool failed() const {
    return codes_.failed() || tids_.failed() || times_.failed() || extras_.failed();
  }

  Column codes_;
  Column tids_;
  Column times_;
  Column extras_;
  codec::Model model_;
};

bool Decoder::read_exceptions(std::uint8_t& code, Exceptions& exceptions) {
  for (; code >= codec::kOtherSeq; code = codes_.byte()) {
    switch (code) {
      case codec::kOtherSeq:
        model_.seq += extras_.varint32();
        break;
      case codec::kOlder:
        model_.at -= extras_.varint();
        break;
      case codec::kOtherCurrent:
        exceptions.current = true;
        exceptions.current_tid = extras_.varint32();
        break;
      case codec::kOtherCounters:
        exceptions.counters = true;
        exceptions.nvcsw = extras_.varint32();
        exceptions.nivcsw = extras_.varint32();
        break;
      default:
        return false;
    }
    if (failed()) return false;
  }
  return true;
}

bool Decoder::read_literal(observe_record& record) {
  record.head.kind = extras_.byte();
  record.head.flags = extras_.byte();
  extras_.copy(record.body, sizeof record.body);
  return !failed();
}

std::uint32_t Decoder::read_tid() {
  const std::uint8_t slot = tids_.byte();
  if (slot < codec::kTidSlots) [[likely]]
    return model_.tids[slot];
  const std::uint32_t tid = extras_.varint32();
  model_.tids[codec::tid_slot(tid)] = tid;
  return tid;
}

bool Decoder::next(observe_record& record) {
  Exceptions exceptions;
  std::uint8_t code = codes_.byte();
  if (code >= codec::kOtherSeq && !read_exceptions(code, exceptions)) [[unlikely]]
    return false;
  model_.at += times_.varint();
  record.head.at = model_.at;
  record.head.seq = model_.seq++;
  if (code == codec::kLiteral) {
    return !exceptions.current && !exceptions.counters && read_literal(record);
  }
  if (code > codec::kNewShape) return false;

  codec::Shape shape;
  if (code < codec::kShapes) [[likely]] {
    shape = model_.shapes[code];
  } else {
    shape = {extras_.varint(), extras_.varint(), extras_.varint()};
    model_.shapes[codec::shape_slot(shape)] = shape;
  }
  record.head.kind = shape.kind();
  record.head.flags = shape.flags();
  const std::uint32_t current = exceptions.current ? exceptions.current_tid : model_.current;
  if (shape.kind() == OBSERVE_KIND_SWITCH) {
    auto switched = std::bit_cast<observe_switch>(record);
    codec::apply(shape, switched);
    switched.prev = current;
    switched.next = model_.current = read_tid();
    codec::Counters::Pair counters = model_.counters.predict(current, shape);
    if (exceptions.counters) {
      counters = {codec::unzigzag(exceptions.nvcsw, counters.nvcsw),
                  codec::unzigzag(exceptions.nivcsw, counters.nivcsw)};
    }
    model_.counters.note(current, counters);
    switched.nvcsw = counters.nvcsw;
    switched.nivcsw = counters.nivcsw;
    record = std::bit_cast<observe_record>(switched);
  } else if (codec::is_wake(shape.kind()) && !exceptions.counters) {
    auto woken = std::bit_cast<observe_wake>(record);
    codec::apply(shape, woken);
    woken.by = current;
    woken.tid = read_tid();
    record = std::bit_cast<observe_record>(woken);
  } else {
    return false;
  }
  return !failed();
}

}  // namespace

bool decode_block(std::span<const std::byte> bytes, Cpu cpu, std::vector<observe_record>& out) {
  codec::BlockHeader header;
  if (bytes.size() < sizeof header || bytes.size() > kMaxBlockBytes) return false;
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.count == 0 || header.count > kMaxBlockRecords) return false;
  std::uint64_t total = 0;
  for (const std::uint32_t size : header.sizes) total += size;
  if (total != bytes.size() - sizeof header) return false;

  const std::size_t before = out.size();
  out.reserve(before + header.count);
  Decoder decoder(header, bytes.subspan(sizeof header));
  for (std::uint32_t i = 0; i < header.count; ++i) {
    observe_record record{};
    record.head.cpu = raw(cpu);
    if (!decoder.next(record)) {
      out.resize(before);
      return false;
    }
    out.push_back(record);
  }
  if (!decoder.exhausted() || decoder.at() != header.last_at) {
    out.resize(before);
    return false;
  }
  return true;
}

}  // namespace observe
