
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
  Decoder(const codec::BlockHeader& header, std::span<const std::byte> columns, Cpu cpu)
      : cpu_(raw(cpu)),
        codes_(columns.subspan(0, header.sizes[0])),
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

  std::uint16_t cpu_;
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

// Every record is put together in registers and stored once: reading back a record that was just
// written field by field stalls the CPU, and there are millions.
bool Decoder::next(observe_record& record) {
  Exceptions exceptions;
  std::uint8_t code = codes_.byte();
  if (code >= codec::kOtherSeq && !read_exceptions(code, exceptions)) [[unlikely]]
    return false;
  model_.at += times_.varint();
  observe_head head{.at = model_.at, .seq = model_.seq++, .cpu = cpu_, .kind = 0, .flags = 0};
  if (code == codec::kLiteral) {
    record.head = head;
    return !exceptions.current && !exceptions.counters && read_literal(record);
  }
  if (code > codec::kNewShape) return false;

  codec::Shape added;
  if (code == codec::kNewShape) {
    added = {extras_.varint(), extras_.varint(), extras_.varint()};
    model_.shapes[codec::shape_slot(added)] = added;
  }
  const codec::Shape& shape = code == codec::kNewShape ? added : model_.shapes[code];
  head.kind = shape.kind();
  head.flags = shape.flags();
  const std::uint32_t current = exceptions.current ? exceptions.current_tid : model_.current;
  if (head.kind == OBSERVE_KIND_SWITCH) {
    codec::Counters::Pair counters = model_.counters.predict(current, shape);
    if (exceptions.counters) [[unlikely]] {
      counters = {codec::unzigzag(exceptions.nvcsw, counters.nvcsw),
                  codec::unzigzag(exceptions.nivcsw, counters.nivcsw)};
    }
    model_.counters.note(current, counters);
    model_.current = read_tid();
    const observe_switch switched =
        codec::switch_of(shape, head, current, model_.current, counters);
    std::memcpy(&record, &switched, sizeof record);
  } else if (codec::is_wake(head.kind) && !exceptions.counters) {
    const observe_wake woken = codec::wake_of(shape, head, read_tid(), current);
    std::memcpy(&record, &woken, sizeof record);
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
  out.resize(before + header.count);
  Decoder decoder(header, bytes.subspan(sizeof header), cpu);
  bool valid = true;
  for (std::size_t i = before; valid && i < out.size(); ++i) valid = decoder.next(out[i]);
  valid = valid && decoder.exhausted() && decoder.at() == header.last_at;
  if (!valid) out.resize(before);
  return valid;
}

}  // namespace observe
