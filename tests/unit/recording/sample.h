// Recordings in memory, for tests.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <functional>
#include <stdexcept>
#include <vector>

#include "base/fd.h"
#include "recording/chunk.h"
#include "recording/reader.h"
#include "recording/writer.h"
#include "unit/recording/records.h"

namespace observe {

using Bytes = std::vector<std::byte>;

inline Bytes contents_of(int fd) {
  Bytes bytes(static_cast<std::size_t>(::lseek(fd, 0, SEEK_END)));
  if (::pread(fd, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    throw std::runtime_error("cannot read back");
  }
  return bytes;
}

// The bytes of a recording that `write` fills.
inline Bytes recorded(const std::function<void(RecordingWriter&)>& write) {
  const UniqueFd file(::memfd_create("recording", MFD_CLOEXEC));
  Result<RecordingWriter> writer = RecordingWriter::create(UniqueFd(::dup(file.get())));
  if (!writer) throw std::runtime_error(writer.error().text());
  write(*writer);
  Bytes bytes = contents_of(file.get());
  if (bytes.size() != writer->bytes_written()) throw std::runtime_error("bytes_written is wrong");
  return bytes;
}

inline EncodedBlock block_of(std::span<const observe_record> records, Cpu cpu = Cpu{0},
                             std::uint32_t lane = OBSERVE_LANE_SCHED) {
  BlockEncoder encoder(cpu, lane);
  for (const observe_record& record : records) encoder.add(record);
  return encoder.take();
}

inline observe_seed seed_record(std::uint32_t tid, std::string_view name, std::uint64_t at) {
  observe_seed seed{};
  seed.at = at;
  seed.start_time = tid;
  seed.tid = seed.tgid = tid;
  seed.run_delay_ns = ~std::uint64_t{0};
  seed.prio = 120;
  std::copy_n(name.begin(), std::min<std::size_t>(name.size(), sizeof seed.comm), seed.comm);
  return seed;
}

inline constexpr std::uint64_t kSampleBegin = 1'000'000'000;  // where ping_pong() begins

// A whole recording: two CPUs with blocks of `count` records, several each.
inline void write_sample(RecordingWriter& writer, std::size_t count = 300, std::size_t blocks = 3,
                         bool finish = true) {
  RunInfo run;
  run.kind = RunKind::kCommand;
  run.name = "ping";
  run.command = {"ping", "--pong"};
  run.root_process = Pid{4711};
  static_cast<void>(writer.write_run(run));
  HostInfo host;
  host.kernel = "6.18.0";
  host.cpus_online = 2;
  static_cast<void>(writer.write_host(host));
  static_cast<void>(writer.write_window_begin(time_at(kSampleBegin)));
  const observe_seed seeds[] = {seed_record(4711, "ping", kSampleBegin),
                                seed_record(4712, "pong", kSampleBegin)};
  static_cast<void>(writer.write_first_seeds(seeds));
  std::vector<observe_record> records[2] = {ping_pong(count * blocks, 0, 1),
                                            ping_pong(count * blocks, 1, 2)};
  for (std::size_t i = 0; i < blocks; ++i) {
    for (std::uint16_t cpu = 0; cpu < 2; ++cpu) {
      const auto part = std::span<const observe_record>(records[cpu]).subspan(i * count, count);
      static_cast<void>(writer.write_events(block_of(part, Cpu{cpu})));
    }
  }
  if (!finish) return;
  static_cast<void>(writer.write_last_seeds(seeds));
  CaptureInfo capture;
  capture.window_begin = time_at(kSampleBegin);
  capture.window_end = time_at(kSampleBegin + 1'000'000'000);
  capture.end_reason = "target ended";
  capture.exit_status = 3;
  static_cast<void>(writer.finish(capture));
}

inline Bytes sample(std::size_t count = 300, std::size_t blocks = 3, bool finish = true) {
  return recorded([&](RecordingWriter& writer) { write_sample(writer, count, blocks, finish); });
}

// Where the chunks of an intact recording begin, and its size at the end.
inline std::vector<std::size_t> chunk_starts(const Bytes& bytes) {
  std::vector<std::size_t> starts;
  std::size_t at = sizeof(chunk::FileHeader);
  while (at < bytes.size()) {
    starts.push_back(at);
    const auto header = chunk::read_header(std::span(bytes).subspan(at));
    if (!header) throw std::runtime_error("not a chunk");
    at += sizeof(chunk::Header) + header->stored_size;
  }
  starts.push_back(at);
  return starts;
}

}  // namespace observe
