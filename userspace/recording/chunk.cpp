#include "recording/chunk.h"

#include <cstddef>
#include <cstring>

#include <zlib.h>

#include "recording/codec.h"

namespace observe::chunk {

bool is_json(Type type) {
  switch (type) {
    case Type::kRun:
    case Type::kHost:
    case Type::kWorkload:
    case Type::kClosing:
    case Type::kProgress:
      return true;
    default:
      return false;
  }
}

std::size_t most_raw(Type type) {
  switch (type) {
    case Type::kRun:
    case Type::kHost:
    case Type::kWorkload:
    case Type::kClosing:
    case Type::kProgress:
      return kMaxJson;
    case Type::kEvents:
      return kMaxBlockBytes;
    case Type::kWindowBegin:
    case Type::kCheckpoint:
      return sizeof(std::uint64_t);
    case Type::kFirstSeeds:
    case Type::kLastSeeds:
      return kMaxItems * sizeof(observe_seed);
    case Type::kMarkers:
      return kMaxItems * sizeof(StoredMarker);
    case Type::kLost:
      return kMaxItems * sizeof(StoredLost);
  }
  return kMaxRaw;
}

std::uint32_t crc_of(std::span<const std::byte> bytes) {
  return static_cast<std::uint32_t>(
      ::crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

FileHeader file_header() {
  FileHeader header{.magic = kFileMagic, .version = kFormatVersion, .crc = 0};
  header.crc = crc_of(std::as_bytes(std::span(&header, 1)).first(offsetof(FileHeader, crc)));
  return header;
}

void seal(Header& header, std::span<const std::byte> payload) {
  header.magic = kMagic;
  header.stored_size = static_cast<std::uint32_t>(payload.size());
  header.payload_crc = crc_of(payload);
  header.header_crc =
      crc_of(std::as_bytes(std::span(&header, 1)).first(offsetof(Header, header_crc)));
}

std::optional<Header> read_header(std::span<const std::byte> bytes) {
  Header header;
  if (bytes.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic != kMagic) return std::nullopt;
  if (header.header_crc != crc_of(bytes.first(offsetof(Header, header_crc)))) return std::nullopt;
  return header;
}

}  // namespace observe::chunk
