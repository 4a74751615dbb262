// Any bytes as a block of events: refused, or records that survive being encoded again.
#include <cstring>

#include "fuzz/fuzz.h"
#include "recording/codec.h"

using namespace observe;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<observe_record> records;
  if (!decode_block(fuzz::bytes_of(data, size), Cpu{1}, records)) {
    OBSERVE_CHECK(records.empty());
    return 0;
  }
  OBSERVE_CHECK(!records.empty() && records.size() <= kMaxBlockRecords);

  BlockEncoder encoder(Cpu{1}, OBSERVE_LANE_SCHED);
  std::vector<observe_record> again;
  std::vector<std::byte> bytes;
  const auto flush = [&] {
    bytes.clear();
    encoder.take().append_to(bytes);
    OBSERVE_CHECK(decode_block(bytes, Cpu{1}, again));
  };
  for (const observe_record& record : records) {
    if (encoder.add(record)) flush();
  }
  if (!encoder.empty()) flush();
  OBSERVE_CHECK(again.size() == records.size());
  OBSERVE_CHECK(std::memcmp(again.data(), records.data(), records.size() * sizeof records[0]) == 0);
  return 0;
}
