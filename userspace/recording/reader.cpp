#include "recording/reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <vector>

#include "base/fd.h"
#include "base/memory.h"
#include "recording/assemble.h"
#include "recording/chunk.h"
#include "recording/claims.h"
#include "recording/scan.h"

namespace observe {

namespace {

constexpr const char* kAction = "read the recording";
constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

Error not_a_recording(std::string reason) {
  return {.action = kAction,
          .reason = std::move(reason),
          .advice = "give a file that observe has written, usually NAME.obs"};
}

Result<void> fits_in_memory(std::uint64_t bytes) {
  // Asking takes longer than reading a small recording, which is less than the program itself
  // takes.
  constexpr std::uint64_t kAlwaysThere = 4 * kMiB;
  if (bytes <= kAlwaysThere) return {};
  const std::uint64_t available = available_memory();
  if (bytes <= available) return {};
  return fail(
      {.action = kAction,
       .reason = fmt::format("it takes up to {} MiB of memory, and {} MiB are available",
                             bytes / kMiB, available / kMiB),
       .advice = "end other programs, use a larger machine, or observe for a shorter time"});
}

Result<void> check_file_header(std::span<const std::byte> bytes) {
  if (bytes.empty()) return fail(not_a_recording("the file is empty"));
  chunk::FileHeader header;
  if (bytes.size() < sizeof header) return fail(not_a_recording("it is not a recording"));
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic != chunk::kFileMagic) return fail(not_a_recording("it is not a recording"));
  if (header.crc != chunk::crc_of(bytes.first(offsetof(chunk::FileHeader, crc)))) {
    return fail({.action = kAction,
                 .reason = "its first bytes are damaged",
                 .advice = "copy the file again from where it was made"});
  }
  if (header.version > chunk::kFormatVersion) {
    return fail({.action = kAction,
                 .reason = fmt::format("it has format {}, and this observe reads up to {}",
                                       header.version, chunk::kFormatVersion),
                 .advice = "use the version of observe that wrote it, or a newer one"});
  }
  if (header.version == 0) return fail(not_a_recording("it has no format version"));
  return {};
}

// Reads instead of mapping: a file that shrinks under a mapping would end the process.
Result<std::vector<std::byte>> read_file(const UniqueFd& file, const std::string& action) {
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return fail(error_from_errno(action, errno));
  if (!S_ISREG(status.st_mode)) {
    return fail({.action = action,
                 .reason = S_ISDIR(status.st_mode) ? "it is a folder" : "it is not a regular file",
                 .advice = "give a file that observe has written, usually NAME.obs"});
  }
  const auto claimed = static_cast<std::uint64_t>(status.st_size);
  if (Result<void> fits = fits_in_memory(claimed); !fits) return fail(std::move(fits).error());

  std::vector<std::byte> bytes;
  bytes.resize(claimed + 1);  // one more, to see the end without growing
  std::size_t filled = 0;
  while (true) {
    if (filled == bytes.size()) {  // it grows under us
      if (Result<void> fits = fits_in_memory(bytes.size() * 2); !fits) {
        return fail(std::move(fits).error());
      }
      bytes.resize(bytes.size() * 2);
    }
    const ssize_t got = ::pread(file.get(), bytes.data() + filled, bytes.size() - filled,
                                static_cast<off_t>(filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(error_from_errno(action, errno));
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  bytes.resize(filled);
  return bytes;
}

}  // namespace

Result<Trace> read_recording(std::span<const std::byte> bytes) {
  if (Result<void> valid = check_file_header(bytes); !valid) return fail(std::move(valid).error());
  const chunk::Scan scan = chunk::scan(bytes.subspan(sizeof(chunk::FileHeader)));
  const Result<std::uint64_t> needed = recording::memory_needed(scan);
  if (!needed) return fail(needed.error());
  if (Result<void> fits = fits_in_memory(*needed); !fits) return fail(std::move(fits).error());
  return recording::assemble(scan, bytes.size());
}

Result<Trace> read_recording(const UniqueFd& file) {
  const Result<std::vector<std::byte>> bytes = read_file(file, kAction);
  if (!bytes) return fail(bytes.error());
  return read_recording(*bytes);
}

Result<Trace> read_recording(const std::filesystem::path& path) {
  const std::string action = fmt::format("open the recording '{}'", path.string());
  // Non-blocking, so that a FIFO without a writer does not hang here.
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) return fail(error_from_errno(action, errno));
  const Result<std::vector<std::byte>> bytes = read_file(file, action);
  if (!bytes) return fail(bytes.error());
  return read_recording(*bytes);
}

}  // namespace observe
