// The parts that a recording is made of; README.md in this folder is their specification.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace observe::chunk {

static_assert(std::endian::native == std::endian::little, "recordings are little-endian");

inline constexpr std::uint32_t kFormatVersion = 1;

struct FileHeader {
  std::array<char, 8> magic;
  std::uint32_t version;
  std::uint32_t crc;  // crc32 of the bytes before it
};
static_assert(sizeof(FileHeader) == 16);
inline constexpr std::array<char, 8> kFileMagic = {'O', 'B', 'S', 'E', 'R', 'V', 'E', '\n'};

enum class Type : std::uint16_t {
  kRun = 1,
  kHost = 2,
  kWorkload = 3,
  kClosing = 4,  // CaptureInfo; the recording is complete
  kWindowBegin = 5,
  kFirstSeeds = 6,
  kLastSeeds = 7,
  kEvents = 8,
  kMarkers = 9,
  kLost = 10,
  kCheckpoint = 11,
  kProgress = 12,  // CaptureInfo, as far as it was known then
};

inline constexpr std::uint16_t kZstd = 1;  // a flag: the payload is one zstd frame

struct Header {
  std::array<char, 8> magic;
  Type type;
  std::uint16_t flags;
  std::uint32_t stream;       // events: cpu * lanes + lane; markers: their lane
  std::uint32_t stored_size;  // of the payload, as it is in the file
  std::uint32_t raw_size;     // and decompressed
  std::uint64_t first_time;   // events: so that a damaged payload still tells what is missing
  std::uint64_t last_time;
  std::uint32_t count;      // events, seeds, markers…
  std::uint32_t first_seq;  // events
  std::uint32_t number;     // of this chunk in the file, from 0
  std::uint32_t reserved;
  std::uint32_t payload_crc;
  std::uint32_t header_crc;  // of the 60 bytes before it
};
static_assert(sizeof(Header) == 64);
// No text, no valid UTF-8, and nothing that zstd would write by preference.
inline constexpr std::array<char, 8> kMagic = {'\xf5', 'O', 'B', 'S', '\xff', '\r', '\n', '\x1a'};

// No chunk is larger, decompressed or not; an events chunk has its own limit (kMaxBlockBytes).
inline constexpr std::size_t kMaxRaw = std::size_t{16} << 20;
inline constexpr std::size_t kMaxJson = std::size_t{4} << 20;
inline constexpr std::size_t kMaxItems = 16'384;  // seeds, markers or losses in one chunk

bool is_json(Type type);

// The largest raw_size that a chunk of this type may claim.
std::size_t most_raw(Type type);

std::uint32_t crc_of(std::span<const std::byte> bytes);

FileHeader file_header();
void seal(Header& header, std::span<const std::byte> payload);  // sets magic and checksums
// The header at the beginning of `bytes`; nothing when it is not one, or not intact.
std::optional<Header> read_header(std::span<const std::byte> bytes);

struct StoredMarker {
  std::uint64_t at;
  std::uint16_t kind;
  std::uint16_t reserved[3];
  std::uint64_t a;
  std::uint64_t b;
};
static_assert(sizeof(StoredMarker) == 32);

struct StoredLost {
  std::uint32_t cpu;
  std::uint32_t reserved;
  std::uint64_t from;
  std::uint64_t to;
  std::uint64_t count;
};
static_assert(sizeof(StoredLost) == 32);

}  // namespace observe::chunk
