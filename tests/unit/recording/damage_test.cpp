// Recordings that were cut, changed or made up: what can be read is read, nothing is invented.
#include <algorithm>
#include <random>
#include <set>

#include "support/catch.h"
#include "unit/recording/sample.h"

namespace observe {

namespace {

// The events of a trace, each as one text that has all of its time, CPU and kind.
std::multiset<std::string> events_of(const Trace& trace) {
  std::multiset<std::string> events;
  trace.for_each([&]<class E>(const E& event) {
    std::string text = std::to_string(to_ns(event.at)) + typeid(E).name();
    if constexpr (requires { event.cpu; }) text += std::to_string(raw(event.cpu));
    if constexpr (requires { event.prev; }) text += std::to_string(raw(event.prev));
    events.insert(std::move(text));
  });
  return events;
}

Bytes with_version(Bytes bytes, std::uint32_t version) {
  chunk::FileHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  header.version = version;
  header.crc = chunk::crc_of(std::as_bytes(std::span(&header, 1)).first(12));
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

// A chunk that is what it says, but for what it says of itself.
void append_chunk(Bytes& bytes, chunk::Header header, std::span<const std::byte> payload,
                  std::uint32_t raw_size) {
  header.raw_size = raw_size;
  chunk::seal(header, payload);
  const auto head = std::as_bytes(std::span(&header, 1));
  bytes.insert(bytes.end(), head.begin(), head.end());
  bytes.insert(bytes.end(), payload.begin(), payload.end());
}

Bytes empty_recording() {
  return recorded([](RecordingWriter&) {});
}

// Chunks without payload that claim to hold as many items as a chunk can.
Bytes claiming(chunk::Type type, std::uint64_t chunks) {
  Bytes bytes = empty_recording();
  bytes.reserve(bytes.size() + chunks * sizeof(chunk::Header));
  for (std::uint64_t i = 0; i < chunks; ++i) {
    append_chunk(bytes,
                 {.type = type,
                  .count = std::uint32_t{chunk::kMaxItems},
                  .number = static_cast<std::uint32_t>(i)},
                 {}, 0);
  }
  return bytes;
}

}  // namespace

TEST_CASE("cut anywhere, a recording is read up to its last whole chunk") {
  const Bytes whole = sample(40, 2);
  const std::vector<std::size_t> starts = chunk_starts(whole);
  const std::multiset<std::string> all = events_of(*read_recording(whole));
  std::size_t events_before = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Result<Trace> trace = read_recording(std::span(whole).first(size));
    if (size < sizeof(chunk::FileHeader)) {
      REQUIRE_FALSE(trace);
      continue;
    }
    REQUIRE(trace);
    REQUIRE(trace->quality().incomplete);
    REQUIRE(trace->quality().damaged_blocks == 0);
    REQUIRE(trace->quality().lost_events == 0);
    REQUIRE(trace->event_count() >= events_before);
    REQUIRE(trace->event_count() % 40 == 0);
    events_before = trace->event_count();
    // Every chunk that lies before the cut was read.
    const auto whole_chunks = std::ranges::upper_bound(starts, size) - starts.begin() - 1;
    if (whole_chunks > 3) REQUIRE(trace->threads().size() == 2);
  }
  CHECK(events_before == all.size());
}

TEST_CASE("one flipped bit costs its chunk, is noticed, and invents nothing") {
  const Bytes whole = sample(60, 2);
  const std::multiset<std::string> all = events_of(*read_recording(whole));
  Bytes bytes = whole;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    bytes[at] ^= std::byte(1u << at % 8);
    const Result<Trace> trace = read_recording(bytes);
    INFO("at byte " << at);
    if (at < sizeof(chunk::FileHeader)) {
      REQUIRE_FALSE(trace);
    } else {
      REQUIRE(trace);
      REQUIRE(trace->quality().damaged_blocks == 1);
      REQUIRE(trace->event_count() >= all.size() - 60);
      const std::multiset<std::string> events = events_of(*trace);
      REQUIRE(std::ranges::includes(all, events));
    }
    bytes[at] = whole[at];
  }
}

TEST_CASE("many flipped bits, and bytes that went missing or came in between") {
  const Bytes whole = sample(60, 4);
  const std::multiset<std::string> all = events_of(*read_recording(whole));
  std::mt19937 random(7);
  const auto somewhere = [&](const Bytes& bytes) {
    return static_cast<std::ptrdiff_t>(random() % (bytes.size() - 16) + 16);
  };
  for (int round = 0; round < 2000; ++round) {
    Bytes bytes = whole;
    const std::uint_fast32_t changes = 1 + random() % 5;
    for (std::uint_fast32_t i = 0; i < changes; ++i) {
      const auto at = bytes.begin() + somewhere(bytes);
      switch (random() % 3) {
        case 0:
          *at ^= std::byte(1 + random() % 255);
          break;
        case 1:
          bytes.erase(at, std::min(bytes.end(), at + random() % 200));
          break;
        default:
          bytes.insert(at, random() % 200, std::byte(random() % 256));
          break;
      }
    }
    const Result<Trace> trace = read_recording(bytes);
    REQUIRE(trace);
    const std::multiset<std::string> events = events_of(*trace);
    REQUIRE(std::ranges::includes(all, events));
    if (bytes != whole && events != all) {
      REQUIRE(trace->quality().damaged_blocks + trace->quality().incomplete > 0);
    }
  }
}

TEST_CASE("a damaged block of events is lost, with its place in time and its number of events") {
  Bytes bytes = sample(100, 3);
  const std::vector<std::size_t> starts = chunk_starts(bytes);
  // run, host, window, seeds, then cpu 0 and 1 in turn: the middle block of CPU 1.
  const std::size_t block = starts[4 + 3];
  const auto header = chunk::read_header(std::span(bytes).subspan(block));
  REQUIRE(header);
  REQUIRE(header->stream == 1 * OBSERVE_LANES);
  bytes[block + sizeof(chunk::Header) + 10] ^= std::byte{1};
  const Result<Trace> trace = read_recording(bytes);
  REQUIRE(trace);
  CHECK(trace->quality().damaged_blocks == 1);
  CHECK(trace->event_count() == 500);
  REQUIRE(trace->quality().lost.size() == 1);
  CHECK(trace->quality().lost[0].cpu == Cpu{1});
  CHECK(trace->quality().lost[0].count == 100);
  CHECK(trace->quality().lost[0].from == time_at(static_cast<std::int64_t>(header->first_time)));
  CHECK(trace->quality().lost[0].to == time_at(static_cast<std::int64_t>(header->last_time)));
}

TEST_CASE("a block whose header is gone, too, is missed by the numbers of its neighbours") {
  Bytes bytes = sample(100, 3);
  const std::vector<std::size_t> starts = chunk_starts(bytes);
  std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(starts[4 + 2]), 70, std::byte{0});
  const Result<Trace> trace = read_recording(bytes);
  REQUIRE(trace);
  CHECK(trace->quality().damaged_blocks == 1);
  REQUIRE(trace->quality().lost.size() == 1);
  CHECK(trace->quality().lost[0].cpu == Cpu{0});
  CHECK(trace->quality().lost[0].count == 100);
}

TEST_CASE("the same chunk twice is read once") {
  const Bytes whole = sample(100, 3);
  const std::vector<std::size_t> starts = chunk_starts(whole);
  Bytes bytes = whole;
  bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(starts[6]),
               whole.begin() + static_cast<std::ptrdiff_t>(starts[5]),
               whole.begin() + static_cast<std::ptrdiff_t>(starts[6]));
  const Result<Trace> trace = read_recording(bytes);
  REQUIRE(trace);
  CHECK(trace->event_count() == 600);
  CHECK(trace->quality().damaged_blocks == 1);
}

TEST_CASE("a recording of a newer format says what to do") {
  const Result<Trace> trace = read_recording(with_version(sample(10, 1), 99));
  REQUIRE_FALSE(trace);
  CHECK(trace.error().reason == "it has format 99, and this observe reads up to 1");
  CHECK(trace.error().advice.find("newer") != std::string::npos);
  CHECK_FALSE(read_recording(with_version(sample(10, 1), 0)));
}

TEST_CASE("sizes that nobody could mean are refused without being allocated") {
  const std::byte payload[8] = {};
  for (const auto type : {chunk::Type::kRun, chunk::Type::kEvents, chunk::Type::kFirstSeeds,
                          chunk::Type::kMarkers, chunk::Type::kLost, chunk::Type{99}}) {
    for (const std::uint16_t flags : {std::uint16_t{0}, chunk::kZstd}) {
      Bytes bytes = empty_recording();
      append_chunk(bytes, {.type = type, .flags = flags, .count = 0xffff'ffff}, payload,
                   0xffff'ffff);
      const Result<Trace> trace = read_recording(bytes);
      REQUIRE(trace);
      if (type != chunk::Type{99}) CHECK(trace->quality().damaged_blocks == 1);
      CHECK(trace->event_count() == 0);
    }
  }
}

TEST_CASE("more events or markers than this machine can hold are refused before they are read") {
  const std::uint64_t memory = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                               static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  for (const auto type : {chunk::Type::kEvents, chunk::Type::kMarkers}) {
    const Result<Trace> trace =
        read_recording(claiming(type, memory / (kMaxBlockRecords * 96) + 1));
    REQUIRE_FALSE(trace);
    CHECK(trace.error().reason.find("MiB of memory") != std::string::npos);
  }
}

TEST_CASE("more threads than Linux can have, or losses without end, are refused unread") {
  const auto reason = [](chunk::Type type, std::uint64_t items) {
    const Result<Trace> trace = read_recording(claiming(type, items / chunk::kMaxItems));
    REQUIRE_FALSE(trace);
    return trace.error().reason;
  };
  const std::uint64_t threads = (1u << 22) + chunk::kMaxItems;
  for (const auto type : {chunk::Type::kFirstSeeds, chunk::Type::kLastSeeds}) {
    CHECK(reason(type, threads) == "it claims 4210688 threads, and 4194304 are possible");
  }
  CHECK(reason(chunk::Type::kLost, (1u << 24) + chunk::kMaxItems) ==
        "it claims 16793600 losses, and 16777216 are possible");
}

TEST_CASE("of metadata that comes many times the last whole one is parsed, and no other") {
  Bytes bytes = empty_recording();
  std::uint32_t number = 0;
  const auto append = [&](chunk::Type type, const std::string& json) {
    append_chunk(bytes, {.type = type, .count = 1, .number = number++},
                 std::as_bytes(std::span(json)), static_cast<std::uint32_t>(json.size()));
  };
  // Nobody has noticed what stands in these: they would be damage.
  for (int i = 0; i < 100; ++i) append(chunk::Type::kHost, "no JSON");
  append(chunk::Type::kHost, R"({"kernel": "6.1"})");
  append(chunk::Type::kHost, R"({"kernel": "6.2"})");
  bytes.back() ^= std::byte{1};
  append(chunk::Type::kRun, R"({"name": "whole"})");
  append(chunk::Type::kRun, "no JSON");
  const Result<Trace> trace = read_recording(bytes);
  REQUIRE(trace);
  CHECK(trace->host().kernel == "6.1");
  CHECK(trace->run().name.empty());
  CHECK(trace->quality().damaged_blocks == 2);
}

TEST_CASE("four megabytes of list items are read, or refused, in no time") {
  for (const auto& [head, item] :
       {std::pair<std::string, std::string>{R"({"threads":[)", "{}"}, {R"({"x":[)", "0"}}) {
    std::string json = head;
    while (json.size() + item.size() + 3 < chunk::kMaxJson) json.append(item).append(",");
    json.back() = ']';
    json += "}";
    Bytes bytes = empty_recording();
    append_chunk(bytes, {.type = chunk::Type::kWorkload, .count = 1},
                 std::as_bytes(std::span(json)), static_cast<std::uint32_t>(json.size()));
    const Result<Trace> trace = read_recording(bytes);
    REQUIRE(trace);
    CHECK(trace->quality().damaged_blocks == 0);
    CHECK(trace->workload());
  }
}

TEST_CASE("any number of losses may end at one moment") {
  constexpr std::uint32_t kCount = 300'000;
  const LostInterval told{
      .cpu = Cpu{0}, .from = time_at(kSampleBegin), .to = time_at(kSampleBegin), .count = 3};
  const Bytes bytes = recorded([&](RecordingWriter& writer) {
    REQUIRE(writer.write_window_begin(time_at(kSampleBegin)));
    std::vector<observe_record> records = ping_pong(kMaxBlockRecords);
    for (std::uint32_t first = 0; first < kCount; first += kMaxBlockRecords) {
      for (std::uint32_t i = 0; i < records.size(); ++i) {
        records[i].head.at = kSampleBegin;
        records[i].head.seq = 2 * (first + i);
      }
      REQUIRE(writer.write_events(block_of(records)));
    }
    REQUIRE(writer.write_lost(std::vector<LostInterval>(kCount, told)));
  });
  const Result<Trace> trace = read_recording(bytes);
  REQUIRE(trace);
  const std::uint64_t events = trace->event_count();
  CHECK(trace->quality().lost_events == events - 1 + 3ull * kCount);
}

TEST_CASE("times from another age are damage") {
  std::vector<observe_record> records = ping_pong(10);
  const Bytes bytes = recorded([&](RecordingWriter& writer) {
    REQUIRE(writer.write_window_begin(time_at(kSampleBegin)));
    REQUIRE(writer.write_events(block_of(records)));
    records[5].head.at = ~0ull >> 1;
    REQUIRE(writer.write_events(block_of(records)));
    const Marker marker{.at = time_at(INT64_MAX)};
    REQUIRE(writer.write_markers(0, std::span(&marker, 1)));
    const LostInterval lost{.cpu = Cpu{0}, .from = time_at(-5), .to = time_at(7), .count = 1};
    REQUIRE(writer.write_lost(std::span(&lost, 1)));
    CaptureInfo capture;
    capture.window_begin = time_at(INT64_MAX);
    capture.window_end = time_at(INT64_MIN);
    REQUIRE(writer.finish(capture));
  });
  const Result<Trace> trace = read_recording(bytes);
  REQUIRE(trace);
  CHECK(trace->event_count() == 10);
  CHECK(trace->quality().damaged_blocks == 3);
  CHECK(trace->begin() == time_at(kSampleBegin));
  CHECK(trace->end() >= trace->begin());
}

TEST_CASE("records of kinds that nobody knows are damage") {
  std::vector<observe_record> records = ping_pong(10);
  records[3].head.kind = 200;
  const Result<Trace> trace = read_recording(
      recorded([&](RecordingWriter& writer) { REQUIRE(writer.write_events(block_of(records))); }));
  REQUIRE(trace);
  CHECK(trace->event_count() == 0);
  CHECK(trace->quality().damaged_blocks == 1);
}

TEST_CASE("metadata with wrong types is damage, and the rest is read") {
  Bytes bytes = sample(10, 1, false);
  const std::string json = R"({"window_begin": "noon"})";
  append_chunk(bytes, {.type = chunk::Type::kClosing, .number = 99}, std::as_bytes(std::span(json)),
               static_cast<std::uint32_t>(json.size()));
  const Result<Trace> trace = read_recording(bytes);
  REQUIRE(trace);
  CHECK(trace->event_count() == 20);
  CHECK(trace->quality().incomplete);
  CHECK(trace->quality().damaged_blocks > 0);
}

}  // namespace observe
