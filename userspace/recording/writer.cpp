#include "recording/writer.h"

#include <sys/uio.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "recording/chunk.h"
#include "recording/metadata.h"

namespace observe {

namespace {

constexpr std::size_t kWorthCompressing = 128;  // bytes: below, zstd's own header eats the gain
constexpr int kLevel = 1;                       // level 3 gains 1 to 10 % for 10 to 65 % more time

struct ZstdDeleter {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

Error write_error(int errno_value) {
  const char* advice = "what was recorded up to here can be read: observe report";
  if (errno_value == ENOSPC || errno_value == EDQUOT) {
    advice =
        "make room, or choose another folder with --output; what was recorded up to here can be "
        "read: observe report";
  }
  return error_from_errno("write the recording", errno_value, advice);
}

// All of it, whatever it takes. Returns an errno value, 0 when all is written.
int write_all(int fd, std::span<const std::byte> head, std::span<const std::byte> body) {
  iovec parts[2] = {{const_cast<std::byte*>(head.data()), head.size()},
                    {const_cast<std::byte*>(body.data()), body.size()}};
  std::span<iovec> left(parts);
  while (true) {
    while (!left.empty() && left.front().iov_len == 0) left = left.subspan(1);
    if (left.empty()) return 0;
    const ssize_t written = ::writev(fd, left.data(), static_cast<int>(left.size()));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    if (written == 0) return EIO;  // nothing was taken, and nothing is wrong: do not spin
    auto taken = static_cast<std::size_t>(written);
    for (iovec& part : left) {
      const std::size_t of_this = std::min(taken, part.iov_len);
      part.iov_base = static_cast<std::byte*>(part.iov_base) + of_this;
      part.iov_len -= of_this;
      taken -= of_this;
    }
  }
}

template <class T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}
std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

}  // namespace

struct RecordingWriter::State {
  mutable std::mutex mutex;
  UniqueFd file;
  std::unique_ptr<ZSTD_CCtx, ZstdDeleter> zstd{ZSTD_createCCtx()};
  std::vector<std::byte> raw;  // the payload of an events chunk, before compression
  std::vector<std::byte> compressed;
  std::uint32_t next_number = 0;
  std::uint64_t bytes_written = 0;
  std::optional<Error> error;

  Result<void> put(std::span<const std::byte> head, std::span<const std::byte> body);
  Result<void> put_chunk(chunk::Header header, std::span<const std::byte> payload);
  template <class T>
  Result<void> put_items(chunk::Type type, std::uint32_t stream, std::span<const T> items);
  Result<void> put_json(chunk::Type type, const std::string& json);
};

Result<void> RecordingWriter::State::put(std::span<const std::byte> head,
                                         std::span<const std::byte> body) {
  if (error) return fail(*error);
  if (const int failed = write_all(file.get(), head, body); failed != 0) {
    error = write_error(failed);
    return fail(*error);
  }
  bytes_written += head.size() + body.size();
  return {};
}

Result<void> RecordingWriter::State::put_chunk(chunk::Header header,
                                               std::span<const std::byte> payload) {
  OBSERVE_CHECK(payload.size() <= chunk::most_raw(header.type));
  header.raw_size = static_cast<std::uint32_t>(payload.size());
  if (payload.size() >= kWorthCompressing) {
    compressed.resize(ZSTD_compressBound(payload.size()));
    const std::size_t size = ZSTD_compressCCtx(zstd.get(), compressed.data(), compressed.size(),
                                               payload.data(), payload.size(), kLevel);
    if (!ZSTD_isError(size) && size < payload.size()) {
      header.flags |= chunk::kZstd;
      payload = std::span(compressed).first(size);
    }
  }
  header.number = next_number++;
  chunk::seal(header, payload);
  return put(bytes_of(header), payload);
}

template <class T>
Result<void> RecordingWriter::State::put_items(chunk::Type type, std::uint32_t stream,
                                               std::span<const T> items) {
  while (!items.empty()) {
    const std::span<const T> part = items.first(std::min(items.size(), chunk::kMaxItems));
    items = items.subspan(part.size());
    const chunk::Header header{
        .type = type, .stream = stream, .count = static_cast<std::uint32_t>(part.size())};
    if (Result<void> done = put_chunk(header, std::as_bytes(part)); !done) return done;
  }
  return {};
}

Result<void> RecordingWriter::State::put_json(chunk::Type type, const std::string& json) {
  if (json.size() > chunk::most_raw(type)) {
    return fail({.action = "write the recording",
                 .reason = "the description of the run is larger than 4 MiB",
                 .advice = "use a shorter command line or fewer threads"});
  }
  return put_chunk({.type = type, .count = 1}, bytes_of(json));
}

RecordingWriter::RecordingWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
RecordingWriter::RecordingWriter(RecordingWriter&&) noexcept = default;
RecordingWriter& RecordingWriter::operator=(RecordingWriter&&) noexcept = default;
RecordingWriter::~RecordingWriter() = default;

Result<RecordingWriter> RecordingWriter::create(UniqueFd file) {
  auto state = std::make_unique<State>();
  state->file = std::move(file);
  if (!state->zstd) return fail(error_from_errno("write the recording", ENOMEM));
  if (Result<void> done = state->put(bytes_of(chunk::file_header()), {}); !done) {
    return fail(std::move(done).error());
  }
  return RecordingWriter(std::move(state));
}

Result<void> RecordingWriter::write_run(const RunInfo& run) {
  const std::lock_guard lock(state_->mutex);
  return state_->put_json(chunk::Type::kRun, to_json(run));
}

Result<void> RecordingWriter::write_host(const HostInfo& host) {
  const std::lock_guard lock(state_->mutex);
  return state_->put_json(chunk::Type::kHost, to_json(host));
}

Result<void> RecordingWriter::write_workload(const WorkloadInfo& workload) {
  const std::lock_guard lock(state_->mutex);
  return state_->put_json(chunk::Type::kWorkload, to_json(workload));
}

Result<void> RecordingWriter::finish(const CaptureInfo& capture) {
  const std::lock_guard lock(state_->mutex);
  return state_->put_json(chunk::Type::kClosing, to_json(capture));
}

Result<void> RecordingWriter::write_progress(const CaptureInfo& capture) {
  const std::lock_guard lock(state_->mutex);
  return state_->put_json(chunk::Type::kProgress, to_json(capture));
}

Result<void> RecordingWriter::write_window_begin(Time begin) {
  const std::lock_guard lock(state_->mutex);
  const auto at = static_cast<std::uint64_t>(to_ns(begin));
  return state_->put_chunk({.type = chunk::Type::kWindowBegin, .count = 1}, bytes_of(at));
}

Result<void> RecordingWriter::write_checkpoint(Time until) {
  const std::lock_guard lock(state_->mutex);
  const auto at = static_cast<std::uint64_t>(to_ns(until));
  return state_->put_chunk({.type = chunk::Type::kCheckpoint, .count = 1}, bytes_of(at));
}

Result<void> RecordingWriter::write_first_seeds(std::span<const observe_seed> seeds) {
  const std::lock_guard lock(state_->mutex);
  return state_->put_items(chunk::Type::kFirstSeeds, 0, seeds);
}

Result<void> RecordingWriter::write_last_seeds(std::span<const observe_seed> seeds) {
  const std::lock_guard lock(state_->mutex);
  return state_->put_items(chunk::Type::kLastSeeds, 0, seeds);
}

Result<void> RecordingWriter::write_events(const EncodedBlock& block) {
  if (block.empty()) return {};
  const std::lock_guard lock(state_->mutex);
  state_->raw.clear();
  block.append_to(state_->raw);
  return state_->put_chunk({.type = chunk::Type::kEvents,
                            .stream = raw(block.cpu()) * OBSERVE_LANES + block.lane(),
                            .first_time = static_cast<std::uint64_t>(to_ns(block.first_time())),
                            .last_time = static_cast<std::uint64_t>(to_ns(block.last_time())),
                            .count = block.count(),
                            .first_seq = block.first_seq()},
                           state_->raw);
}

Result<void> RecordingWriter::write_markers(std::uint32_t lane, std::span<const Marker> markers) {
  std::vector<chunk::StoredMarker> stored;
  stored.reserve(markers.size());
  for (const Marker& marker : markers) {
    stored.push_back({.at = static_cast<std::uint64_t>(to_ns(marker.at)),
                      .kind = marker.kind,
                      .reserved = {},
                      .a = marker.a,
                      .b = marker.b});
  }
  const std::lock_guard lock(state_->mutex);
  return state_->put_items(chunk::Type::kMarkers, lane,
                           std::span<const chunk::StoredMarker>(stored));
}

Result<void> RecordingWriter::write_lost(std::span<const LostInterval> lost) {
  std::vector<chunk::StoredLost> stored;
  stored.reserve(lost.size());
  for (const LostInterval& interval : lost) {
    stored.push_back({.cpu = raw(interval.cpu),
                      .reserved = 0,
                      .from = static_cast<std::uint64_t>(to_ns(interval.from)),
                      .to = static_cast<std::uint64_t>(to_ns(interval.to)),
                      .count = interval.count});
  }
  const std::lock_guard lock(state_->mutex);
  return state_->put_items(chunk::Type::kLost, 0, std::span<const chunk::StoredLost>(stored));
}

std::uint64_t RecordingWriter::bytes_written() const {
  const std::lock_guard lock(state_->mutex);
  return state_->bytes_written;
}

}  // namespace observe
