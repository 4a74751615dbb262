// Records to columns and back, to the byte.
#include "recording/codec.h"

#include <algorithm>

#include "recording/codec_model.h"
#include "support/catch.h"
#include "unit/recording/records.h"

namespace observe {

namespace {

std::vector<std::byte> bytes_of(const EncodedBlock& block) {
  std::vector<std::byte> bytes;
  block.append_to(bytes);
  return bytes;
}

// Encodes into as many blocks as it takes, decodes them all.
std::vector<observe_record> there_and_back(const std::vector<observe_record>& records, Cpu cpu) {
  BlockEncoder encoder(cpu, OBSERVE_LANE_SCHED);
  std::vector<observe_record> decoded;
  const auto flush = [&] {
    EncodedBlock block = encoder.take();
    const std::vector<std::byte> bytes = bytes_of(block);
    REQUIRE(bytes.size() <= kMaxBlockBytes);
    REQUIRE(decode_block(bytes, cpu, decoded));
    encoder.recycle(std::move(block));
  };
  for (const observe_record& record : records) {
    if (encoder.add(record)) flush();
  }
  if (!encoder.empty()) flush();
  return decoded;
}

void check_same(const std::vector<observe_record>& given, const std::vector<observe_record>& got) {
  REQUIRE(given.size() == got.size());
  const auto [a, b] = std::ranges::mismatch(given, got, same);
  INFO("first difference at record " << a - given.begin());
  CHECK(a == given.end());
}

}  // namespace

TEST_CASE("a ping-pong survives, in four bytes a record or less") {
  const std::vector<observe_record> records = ping_pong(kMaxBlockRecords);
  check_same(records, there_and_back(records, Cpu{0}));

  BlockEncoder encoder(Cpu{0}, OBSERVE_LANE_SCHED);
  for (const observe_record& record : records) encoder.add(record);
  const EncodedBlock block = encoder.take();
  CHECK(block.count() == kMaxBlockRecords);
  CHECK(bytes_of(block).size() < 4 * kMaxBlockRecords + 4096);
  CHECK(block.first_time() == time_at(static_cast<std::int64_t>(records.front().head.at)));
  CHECK(block.last_time() == time_at(static_cast<std::int64_t>(records.back().head.at)));
}

TEST_CASE("records of all kinds with all sorts of values survive to the byte") {
  const std::uint32_t seed = GENERATE(range(1u, 9u));
  RandomRecords random(seed);
  std::vector<observe_record> records;
  for (int i = 0; i < 40'000; ++i) records.push_back(random.next());
  check_same(records, there_and_back(records, Cpu{0}));
}

TEST_CASE("bytes without any sense survive, too") {
  std::mt19937_64 random(GENERATE(1u, 2u));
  std::vector<observe_record> records(30'000);
  for (observe_record& record : records) {
    for (std::size_t i = 0; i < sizeof record / 8; ++i) {
      const std::uint64_t word = random();
      std::memcpy(reinterpret_cast<char*>(&record) + 8 * i, &word, 8);
    }
    record.head.cpu = 7;
    record.head.kind = static_cast<std::uint8_t>(random() % OBSERVE_KIND_END);
  }
  check_same(records, there_and_back(records, Cpu{7}));
}

TEST_CASE("a block of one record") {
  const std::vector<observe_record> records = ping_pong(1);
  check_same(records, there_and_back(records, Cpu{0}));
}

TEST_CASE("threads that also run on other CPUs keep their counters") {
  std::vector<observe_record> records = ping_pong(3000);
  std::uint16_t counter = 0xfff0;
  for (observe_record& record : records) {
    if (record.head.kind != OBSERVE_KIND_SWITCH) continue;
    auto switched = std::bit_cast<observe_switch>(record);
    switched.nvcsw = counter = static_cast<std::uint16_t>(counter + 3);
    switched.nivcsw = static_cast<std::uint16_t>(-counter);
    record = as_record(switched);
  }
  check_same(records, there_and_back(records, Cpu{0}));
}

TEST_CASE("an encoder starts every block afresh, and reuses its buffer") {
  const std::vector<observe_record> records = ping_pong(100);
  BlockEncoder encoder(Cpu{3}, OBSERVE_LANE_LIFE);
  CHECK(encoder.empty());
  CHECK(encoder.take().empty());
  std::vector<std::byte> before;
  for (int round = 0; round < 3; ++round) {
    for (const observe_record& record : records) CHECK_FALSE(encoder.add(record));
    CHECK(encoder.count() == 100);
    EncodedBlock block = encoder.take();
    CHECK(encoder.empty());
    CHECK(block.cpu() == Cpu{3});
    CHECK(block.lane() == OBSERVE_LANE_LIFE);
    CHECK(block.first_seq() == 0);
    std::vector<std::byte> bytes = bytes_of(block);
    if (round > 0) CHECK(bytes == before);
    before = std::move(bytes);
    encoder.recycle(std::move(block));
  }
}

TEST_CASE("a block cut short anywhere is refused, and leaves the output alone") {
  RandomRecords random(3);
  BlockEncoder encoder(Cpu{0}, OBSERVE_LANE_SCHED);
  for (int i = 0; i < 60; ++i) encoder.add(random.next());
  const std::vector<std::byte> bytes = bytes_of(encoder.take());
  std::vector<observe_record> out(2);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    REQUIRE_FALSE(decode_block(std::span(bytes).first(size), Cpu{0}, out));
    REQUIRE(out.size() == 2);
  }
  CHECK(decode_block(bytes, Cpu{0}, out));
  CHECK(out.size() == 62);
}

TEST_CASE("a block with any byte changed is refused or decoded, but never read beyond its end") {
  RandomRecords random(4);
  BlockEncoder encoder(Cpu{0}, OBSERVE_LANE_SCHED);
  for (int i = 0; i < 200; ++i) encoder.add(random.next());
  std::vector<std::byte> bytes = bytes_of(encoder.take());
  std::vector<observe_record> out;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (const unsigned flip : {0x01u, 0x80u, 0xffu}) {
      const std::byte before = bytes[at];
      bytes[at] ^= std::byte(flip);
      out.clear();
      if (!decode_block(bytes, Cpu{0}, out)) CHECK(out.empty());
      CHECK(out.size() <= kMaxBlockRecords);
      bytes[at] = before;
    }
  }
}

TEST_CASE("a block that claims too much is refused") {
  const std::vector<observe_record> records = ping_pong(10);
  BlockEncoder encoder(Cpu{0}, OBSERVE_LANE_SCHED);
  for (const observe_record& record : records) encoder.add(record);
  const std::vector<std::byte> bytes = bytes_of(encoder.take());
  const auto refused = [&](auto change) {
    codec::BlockHeader header;
    std::memcpy(&header, bytes.data(), sizeof header);
    change(header);
    std::vector<std::byte> changed = bytes;
    std::memcpy(changed.data(), &header, sizeof header);
    std::vector<observe_record> out;
    return !decode_block(changed, Cpu{0}, out);
  };
  CHECK(refused([](auto& header) { header.count = 0xffff'ffff; }));
  CHECK(refused([](auto& header) { header.count = 0; }));
  CHECK(refused([](auto& header) { ++header.count; }));
  CHECK(refused([](auto& header) { --header.count; }));
  CHECK(refused([](auto& header) { ++header.last_at; }));
  for (std::size_t column = 0; column < 4; ++column) {
    CHECK(refused([&](auto& header) { header.sizes[column] = 0xffff'ffff; }));
    CHECK(refused([&](auto& header) { ++header.sizes[column]; }));
  }
}

}  // namespace observe
