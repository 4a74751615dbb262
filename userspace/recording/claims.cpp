#include "recording/claims.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "recording/codec.h"

namespace observe::recording {

namespace {

using chunk::Found;
using chunk::Type;

// What one of these takes in memory at most.
constexpr std::uint64_t kBytesPerEvent = 96;     // while it is merged
constexpr std::uint64_t kBytesPerSeed = 1024;    // copies in three lists, a ThreadInfo, its name
constexpr std::uint64_t kBytesPerLoss = 256;     // in the ledger, while it is settled, in the trace
constexpr std::uint64_t kBytesPerJsonByte = 64;  // parsed and read, should all be empty objects
constexpr std::uint64_t kMostThreads = std::uint64_t{1} << 22;  // PID_MAX_LIMIT, linux/threads.h
constexpr std::uint64_t kMostLosses = std::uint64_t{1} << 24;   // 4 GiB of them

}  // namespace

Result<std::uint64_t> memory_needed(const chunk::Scan& scan) {
  std::uint64_t events = 0;
  std::uint64_t first_seeds = 0;
  std::uint64_t last_seeds = 0;
  std::uint64_t losses = 0;
  std::uint64_t longest_json = 0;
  static_assert(kMaxBlockRecords == chunk::kMaxItems);
  for (const Found& found : scan.chunks) {
    // A chunk that claims more than it can hold is damaged, and nothing of it is read.
    const auto count = std::min<std::uint64_t>(found.header.count, chunk::kMaxItems);
    const Type type = found.header.type;
    if (type == Type::kEvents || type == Type::kMarkers) events += count;
    if (type == Type::kFirstSeeds) first_seeds += count;
    if (type == Type::kLastSeeds) last_seeds += count;
    if (type == Type::kLost) losses += count;
    if (chunk::is_json(type))
      longest_json = std::max<std::uint64_t>(longest_json, found.header.raw_size);
  }
  const auto too_many = [](std::uint64_t count, std::string_view what, std::uint64_t most) {
    return fail({.action = "read the recording",
                 .reason = fmt::format("it claims {} {}, and {} are possible", count, what, most),
                 .advice = "the file was changed, or made by another program"});
  };
  const std::uint64_t seeds = std::max(first_seeds, last_seeds);
  if (seeds > kMostThreads) return too_many(seeds, "threads", kMostThreads);
  if (losses > kMostLosses) return too_many(losses, "losses", kMostLosses);
  longest_json = std::min<std::uint64_t>(longest_json, chunk::kMaxJson);
  return events * kBytesPerEvent + (first_seeds + last_seeds) * kBytesPerSeed +
         losses * kBytesPerLoss + longest_json * kBytesPerJsonByte;
}

}  // namespace observe::recording
