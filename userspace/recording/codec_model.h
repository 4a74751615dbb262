// What the encoder and the decoder of a block both know while they go through its records, and the
// numbers of the format. Internal to the codec; README.md explains the layout.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "observe/wire.h"

namespace observe::codec {

// One code byte per record, preceded by the exceptions that apply to it.
inline constexpr std::uint8_t kShapes = 240;         // below: the record has the shape in that slot
inline constexpr std::uint8_t kNewShape = 240;       // the shape follows among the extras
inline constexpr std::uint8_t kLiteral = 241;        // kind, flags and body follow as they are
inline constexpr std::uint8_t kOtherSeq = 250;       // seq is not the last one plus one
inline constexpr std::uint8_t kOlder = 251;          // time goes back
inline constexpr std::uint8_t kOtherCurrent = 252;   // prev, or by, is not the last next
inline constexpr std::uint8_t kOtherCounters = 253;  // the switch counters are not as predicted

inline constexpr std::uint8_t kTidSlots = 255;  // below: the tid in that slot
inline constexpr std::uint8_t kNewTid = 255;    // the tid follows among the extras

inline constexpr std::size_t kBlockHeaderBytes = 48;
struct BlockHeader {
  std::uint32_t count;
  std::uint32_t lane;
  std::uint32_t first_seq;
  std::uint32_t reserved;
  std::uint64_t first_at;
  std::uint64_t last_at;
  std::array<std::uint32_t, 4> sizes;  // codes, tids, times, extras
};
static_assert(sizeof(BlockHeader) == kBlockHeaderBytes);

// What many records have in common: all of a record but tids, time, sequence and counters.
struct Shape {
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  std::uint64_t c = 0;  // kind, flags and, of a switch, next_prio; 0 in a slot never used
  bool operator==(const Shape&) const = default;

  std::uint8_t kind() const { return static_cast<std::uint8_t>(c); }
  std::uint8_t flags() const { return static_cast<std::uint8_t>(c >> 8); }
};

inline Shape shape_of(const observe_switch& record) {
  return {.a = record.user_ip,
          .b = static_cast<std::uint32_t>(record.syscall) | std::uint64_t{record.prev_state} << 32 |
               std::uint64_t{static_cast<std::uint16_t>(record.prev_prio)} << 48,
          .c = record.head.kind | std::uint64_t{record.head.flags} << 8 |
               std::uint64_t{static_cast<std::uint16_t>(record.next_prio)} << 16};
}

inline Shape shape_of(const observe_wake& record) {
  return {.a = record.from_cpu | std::uint64_t{record.to_cpu} << 32,
          .b = static_cast<std::uint32_t>(record.prio),
          .c = record.head.kind | std::uint64_t{record.head.flags} << 8};
}

inline bool is_wake(std::uint8_t kind) {
  return kind == OBSERVE_KIND_WAKING || kind == OBSERVE_KIND_WAKEUP ||
         kind == OBSERVE_KIND_WAKEUP_NEW || kind == OBSERVE_KIND_MIGRATE;
}

inline std::uint32_t shape_slot(const Shape& shape) {
  const std::uint64_t mixed =
      (shape.a ^ shape.b * 0x9e37'79b9'7f4a'7c15 ^ shape.c << 24) * 0xff51'afd7'ed55'8ccd;
  return static_cast<std::uint32_t>((mixed >> 32) * kShapes >> 32);
}

inline std::uint32_t tid_slot(std::uint32_t tid) {
  const std::uint32_t mixed = tid * 2'654'435'761u;
  return static_cast<std::uint32_t>(std::uint64_t{mixed} * kTidSlots >> 32);
}

// The last switch counters of recent threads. A switch-out adds one to one of the two: nvcsw where
// the thread blocked, nivcsw where it was still runnable.
class Counters {
 public:
  struct Pair {
    std::uint16_t nvcsw = 0;
    std::uint16_t nivcsw = 0;
    bool operator==(const Pair&) const = default;
  };

  // Zeros for a thread that is not known.
  Pair predict(std::uint32_t tid, const Shape& shape) const {
    const Entry& entry = entries_[slot(tid)];
    if (entry.key != tid + std::uint64_t{1}) return {};
    const bool runnable = (shape.b >> 32 & 0xffff) == 0;
    const bool blocked = !runnable && (shape.flags() & OBSERVE_SWITCH_PREEMPT) == 0;
    return {static_cast<std::uint16_t>(entry.pair.nvcsw + (blocked ? 1 : 0)),
            static_cast<std::uint16_t>(entry.pair.nivcsw + (blocked ? 0 : 1))};
  }
  void note(std::uint32_t tid, Pair pair) { entries_[slot(tid)] = {tid + std::uint64_t{1}, pair}; }

 private:
  struct Entry {
    std::uint64_t key = 0;  // tid + 1; 0: free
    Pair pair;
  };
  static std::uint32_t slot(std::uint32_t tid) { return tid * 2'654'435'761u >> 23; }
  std::array<Entry, 512> entries_{};
};

inline observe_switch switch_of(const Shape& shape, const observe_head& head, std::uint32_t prev,
                                std::uint32_t next, Counters::Pair counters) {
  return {.head = head,
          .prev = prev,
          .next = next,
          .user_ip = shape.a,
          .syscall = static_cast<std::int32_t>(static_cast<std::uint32_t>(shape.b)),
          .prev_state = static_cast<std::uint16_t>(shape.b >> 32),
          .prev_prio = static_cast<std::int16_t>(static_cast<std::uint16_t>(shape.b >> 48)),
          .next_prio = static_cast<std::int16_t>(static_cast<std::uint16_t>(shape.c >> 16)),
          .reserved = 0,
          .nvcsw = counters.nvcsw,
          .nivcsw = counters.nivcsw};
}

inline observe_wake wake_of(const Shape& shape, const observe_head& head, std::uint32_t tid,
                            std::uint32_t by) {
  return {.head = head,
          .tid = tid,
          .by = by,
          .prio = static_cast<std::int32_t>(static_cast<std::uint32_t>(shape.b)),
          .from_cpu = static_cast<std::uint32_t>(shape.a),
          .to_cpu = static_cast<std::uint32_t>(shape.a >> 32),
          .reserved = {}};
}

// Both sides start every block with a fresh one.
struct Model {
  std::array<Shape, kShapes> shapes{};
  std::array<std::uint32_t, kTidSlots> tids{};  // 0 in a slot never used is the idle task: no harm
  Counters counters;
  std::uint32_t current = 0;  // the tid on the CPU: the last switch's next
  std::uint64_t at = 0;       // of the last record
  std::uint32_t seq = 0;      // expected next
};

inline std::uint32_t zigzag(std::uint16_t value, std::uint16_t predicted) {
  const auto delta = static_cast<std::int16_t>(static_cast<std::uint16_t>(value - predicted));
  return static_cast<std::uint16_t>(static_cast<std::uint16_t>(delta << 1) ^
                                    (delta < 0 ? 0xffff : 0));
}

inline std::uint16_t unzigzag(std::uint32_t coded, std::uint16_t predicted) {
  const std::uint32_t delta = coded >> 1 ^ (~(coded & 1) + 1);
  return static_cast<std::uint16_t>(predicted + delta);
}

}  // namespace observe::codec
