#include "recording/scan.h"

#include <zstd.h>

#include <algorithm>
#include <cstring>

namespace observe::chunk {

namespace {

// Where the magic stands next, or the size when it does not.
std::size_t find_magic(std::span<const std::byte> bytes, std::size_t from) {
  const auto* found = static_cast<const std::byte*>(
      ::memmem(bytes.data() + from, bytes.size() - from, kMagic.data(), kMagic.size()));
  return found != nullptr ? static_cast<std::size_t>(found - bytes.data()) : bytes.size();
}

}  // namespace

Scan scan(std::span<const std::byte> bytes) {
  Scan result;
  std::uint64_t expected = 0;  // number of the next chunk
  bool skipped = false;        // bytes that were no chunk since the last one
  std::size_t at = 0;
  while (bytes.size() - at >= sizeof(Header)) {
    const std::optional<Header> header = read_header(bytes.subspan(at));
    if (!header) {
      skipped = true;
      at = find_magic(bytes, at + 1);
      continue;
    }
    at += sizeof(Header);
    if (header->number < expected) {
      // The same chunk again, or one of another recording: reading it would invent events.
      ++result.missing;
    } else {
      const std::uint64_t gap = header->number - expected;
      result.missing += skipped ? std::max<std::uint64_t>(gap, 1) : gap;
      expected = header->number + std::uint64_t{1};
      skipped = false;
      if (bytes.size() - at < header->stored_size) return result;  // cut off
      result.chunks.push_back({*header, bytes.subspan(at, header->stored_size)});
    }
    at += std::min<std::size_t>(header->stored_size, bytes.size() - at);
  }
  if (skipped) ++result.missing;
  return result;
}

bool intact(const Found& found) { return crc_of(found.payload) == found.header.payload_crc; }

bool unpack(const Found& found, std::vector<std::byte>& out) {
  const Header& header = found.header;
  if (header.raw_size > most_raw(header.type)) return false;
  if (!intact(found)) return false;
  if ((header.flags & kZstd) == 0) {
    if (header.raw_size != header.stored_size) return false;
    out.assign(found.payload.begin(), found.payload.end());
    return true;
  }
  // The claim is bounded by most_raw(), and zstd writes no further than the buffer goes.
  out.resize(header.raw_size);
  const std::size_t size =
      ZSTD_decompress(out.data(), out.size(), found.payload.data(), found.payload.size());
  return !ZSTD_isError(size) && size == header.raw_size;
}

}  // namespace observe::chunk
