// Any bytes as a recording whose checksums are right: what lies behind them must be as careful. An
// input is a list of chunks as in a file, without the file's header; magics, numbers and checksums
// are put right before the reader sees them.
#include <algorithm>
#include <cstring>
#include <vector>

#include "fuzz/traces.h"
#include "recording/chunk.h"
#include "recording/reader.h"

using namespace observe;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::span<const std::byte> left = fuzz::bytes_of(data, size);
  const chunk::FileHeader file = chunk::file_header();
  std::vector<std::byte> bytes;
  const auto append = [&](std::span<const std::byte> part) {
    bytes.insert(bytes.end(), part.begin(), part.end());
  };
  append(std::as_bytes(std::span(&file, 1)));
  for (std::uint32_t number = 0; left.size() >= sizeof(chunk::Header); ++number) {
    chunk::Header header;
    std::memcpy(&header, left.data(), sizeof header);
    left = left.subspan(sizeof header);
    const auto payload = left.first(std::min<std::size_t>(header.stored_size, left.size()));
    left = left.subspan(payload.size());
    header.number = number;
    chunk::seal(header, payload);
    append(std::as_bytes(std::span(&header, 1)));
    append(payload);
  }
  const Result<Trace> trace = read_recording(bytes);
  if (trace) fuzz::check_trace(*trace);
  return 0;
}
