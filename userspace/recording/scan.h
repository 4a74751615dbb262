// Finds the chunks of a recording, whole and damaged. Internal to the reader.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "recording/chunk.h"

namespace observe::chunk {

// A chunk whose header is intact.
struct Found {
  Header header;
  std::span<const std::byte> payload;  // as stored
};

struct Scan {
  std::vector<Found> chunks;  // in the order of the file
  std::uint64_t missing = 0;  // chunks whose header is damaged or gone
};

// `bytes` is the file but for its header. After damage it goes on at the next intact header. A
// chunk that is cut off by the end of the file is not damage: that is what a killed recorder leaves
// behind.
Scan scan(std::span<const std::byte> bytes);

// Whether the payload is as it was written.
bool intact(const Found& found);

// The payload, checked and decompressed into `out`. False when it is damaged.
bool unpack(const Found& found, std::vector<std::byte>& out);

}  // namespace observe::chunk
