// Records for tests: random ones of every kind, and the traffic of a ping-pong.
#pragma once

#include <bit>
#include <cstring>
#include <random>
#include <vector>

#include "observe/wire.h"

namespace observe {

inline observe_head head_of(std::uint8_t kind, std::uint64_t at, std::uint32_t seq,
                            std::uint8_t flags = 0) {
  return {.at = at, .seq = seq, .cpu = 0, .kind = kind, .flags = flags};
}

template <class Record>
observe_record as_record(const Record& record) {
  return std::bit_cast<observe_record>(record);
}

inline bool same(const observe_record& a, const observe_record& b) {
  return std::memcmp(&a, &b, sizeof a) == 0;
}

// What a kernel emits when two threads on one CPU wake each other through a pipe: 2.07 records per
// switch, about a microsecond each.
inline std::vector<observe_record> ping_pong(std::size_t count, std::uint16_t cpu = 0,
                                             std::uint32_t seed = 1) {
  std::mt19937 random(seed);
  std::vector<observe_record> records;
  records.reserve(count + 4);
  std::uint64_t at = 1'000'000'000;
  std::uint32_t seq = 0;
  const std::uint32_t tids[2] = {4711, 4712};
  std::uint16_t nvcsw[2] = {100, 200};
  unsigned running = 0;
  const auto head = [&](std::uint8_t kind, unsigned gap, std::uint8_t flags = 0) {
    at += gap + random() % 64;
    observe_head made = head_of(kind, at, seq++, flags);
    made.cpu = cpu;
    return made;
  };
  while (records.size() < count) {
    const unsigned other = 1 - running;
    for (const std::uint8_t kind : {OBSERVE_KIND_WAKING, OBSERVE_KIND_WAKEUP}) {
      records.push_back(as_record(observe_wake{.head = head(kind, 180, OBSERVE_WAKE_CONTEXT),
                                               .tid = tids[other],
                                               .by = tids[running],
                                               .prio = 120,
                                               .from_cpu = cpu,
                                               .to_cpu = cpu,
                                               .reserved = {}}));
    }
    records.push_back(as_record(observe_switch{.head = head(OBSERVE_KIND_SWITCH, 600),
                                               .prev = tids[running],
                                               .next = tids[other],
                                               .user_ip = 0x7f00'0000'1234u + 16u * running,
                                               .syscall = 0,
                                               .prev_state = 1,
                                               .prev_prio = 120,
                                               .next_prio = 120,
                                               .reserved = 0,
                                               .nvcsw = ++nvcsw[running],
                                               .nivcsw = 3}));
    running = other;
  }
  records.resize(count);
  return records;
}

// Valid records with extreme and ordinary values in every field, so that caches hit and miss.
class RandomRecords {
 public:
  explicit RandomRecords(std::uint32_t seed) : random_(seed) {}

  observe_record next() {
    at_ += pick({0, 1, 200, 1'000, 70'000, 4'000'000, 1ull << 40});
    if (random_() % 200 == 0) at_ -= pick({1, 5, 1'000'000, ~0ull >> 2});
    seq_ += random_() % 100 == 0 ? static_cast<std::uint32_t>(random_()) : 1;
    const auto kind = static_cast<std::uint8_t>(
        random_() % 50 == 0 ? random_() % 256
                            : std::uint32_t(frequent_[random_() % frequent_.size()]));
    observe_record record{
        .head = head_of(kind, at_, seq_, static_cast<std::uint8_t>(random_() % 8)), .body = {}};
    if (kind == OBSERVE_KIND_SWITCH) {
      auto switched = std::bit_cast<observe_switch>(record);
      switched.prev = random_() % 20 == 0 ? tid() : current_;
      switched.next = current_ = tid();
      switched.user_ip = pick({0, 0x401000, 0x7fff'ffff'f000, ~0ull});
      switched.syscall = static_cast<std::int32_t>(pick({0, 202, 24, 0xffff'ffff, 0x8000'0000}));
      switched.prev_state = static_cast<std::uint16_t>(pick({0, 1, 2, 0x80, 0x2001, 0xffff}));
      switched.prev_prio = static_cast<std::int16_t>(pick({120, 0xffff, 0, 99, 0x8000}));
      switched.next_prio = static_cast<std::int16_t>(pick({120, 139, 0x7fff}));
      switched.reserved = random_() % 300 == 0 ? 7 : 0;
      switched.nvcsw = static_cast<std::uint16_t>(pick({1, 2, 0xffff, random_()}));
      switched.nivcsw = static_cast<std::uint16_t>(pick({1, 2, 0x8000, random_()}));
      return as_record(switched);
    }
    if (kind >= OBSERVE_KIND_WAKING && kind <= OBSERVE_KIND_MIGRATE) {
      auto woken = std::bit_cast<observe_wake>(record);
      woken.tid = tid();
      woken.by = random_() % 4 == 0 ? tid() : current_;
      woken.prio = static_cast<std::int32_t>(pick({120, 0xffff'ffff, 0x8000'0000}));
      woken.from_cpu = static_cast<std::uint32_t>(pick({0, 1, 1023, 0xffff'ffff}));
      woken.to_cpu = static_cast<std::uint32_t>(pick({0, 1, 0xffff'ffff}));
      woken.reserved[random_() % 3] = random_() % 300 == 0 ? 9 : 0;
      return as_record(woken);
    }
    for (__u64& word : record.body) word = pick({0, 1, random_(), ~0ull});
    return record;
  }

 private:
  std::uint64_t pick(std::initializer_list<std::uint64_t> values) {
    return values.begin()[random_() % values.size()];
  }
  std::uint32_t tid() {
    return static_cast<std::uint32_t>(
        random_() % 50 == 0 ? random_() : pick({0, 1, 100, 101, 102, 40'000, 0xffff'ffff}));
  }

  std::mt19937_64 random_;
  std::uint64_t at_ = 0;
  std::uint32_t seq_ = 0xffff'fff0;
  std::uint32_t current_ = 0;
  std::vector<observe_kind> frequent_ = {
      OBSERVE_KIND_SWITCH, OBSERVE_KIND_SWITCH,  OBSERVE_KIND_SWITCH,     OBSERVE_KIND_WAKING,
      OBSERVE_KIND_WAKEUP, OBSERVE_KIND_MIGRATE, OBSERVE_KIND_WAKEUP_NEW, OBSERVE_KIND_FORK,
      OBSERVE_KIND_NAME,   OBSERVE_KIND_EXEC,    OBSERVE_KIND_EXIT,       OBSERVE_KIND_ACCOUNT};
};

}  // namespace observe
