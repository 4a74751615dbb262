// Makes seed inputs for the fuzz targets from recordings:
//
//   fuzz_seeds FOLDER [FILE.obs...]
//
// Without files it makes them from invented records of all kinds. Of a file it takes what the
// scheduler's lanes and the markers hold, and no names or command lines of the machine it is from.
// Existing files stay.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "recording/metadata.h"
#include "recording/scan.h"
#include "unit/recording/sample.h"

using namespace observe;

namespace {

namespace fs = std::filesystem;

void save(const fs::path& path, std::span<const std::byte> bytes) {
  fs::create_directories(path.parent_path());
  if (fs::exists(path)) return;
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

// The first byte of the metadata target's inputs.
std::byte selector_of(chunk::Type type) {
  switch (type) {
    case chunk::Type::kRun:
      return std::byte{0};
    case chunk::Type::kHost:
      return std::byte{1};
    case chunk::Type::kClosing:
      return std::byte{2};
    default:
      return std::byte{3};
  }
}

// The parts of a recording for the targets that look at parts.
void save_parts(const fs::path& folder, const std::string& name, const Bytes& file) {
  const auto chunks = std::span(file).subspan(sizeof(chunk::FileHeader));
  save(folder / "reader" / name, file);
  save(folder / "sealed" / name, chunks);
  int number = 0;
  std::vector<std::byte> payload;
  for (const chunk::Found& found : chunk::scan(chunks).chunks) {
    if (!chunk::unpack(found, payload)) continue;
    const std::string part = name + "-" + std::to_string(number++);
    switch (found.header.type) {
      case chunk::Type::kEvents:
        if (payload.size() < 8192) save(folder / "decoder" / part, payload);
        break;
      case chunk::Type::kRun:
      case chunk::Type::kHost:
      case chunk::Type::kClosing:
      case chunk::Type::kWorkload:
        payload.insert(payload.begin(), selector_of(found.header.type));
        save(folder / "metadata" / part, payload);
        break;
      default:
        break;
    }
  }
}

Bytes of_all_kinds(std::uint32_t seed) {
  return recorded([seed](RecordingWriter& writer) {
    write_sample(writer, 20, 2, false);
    RandomRecords random(seed);
    std::vector<observe_record> records;
    for (int i = 0; i < 60; ++i) {
      records.push_back(random.next());
      if (records.back().head.kind >= OBSERVE_KIND_END)
        records.back().head.kind = OBSERVE_KIND_FORK;
      records.back().head.at = kSampleBegin + static_cast<std::uint64_t>(i) * 1000;
    }
    static_cast<void>(writer.write_events(block_of(records, Cpu{2})));
    static_cast<void>(writer.write_events(block_of(records, Cpu{2}, OBSERVE_LANE_LIFE)));
    const Marker marker{.at = time_at(kSampleBegin + 5), .kind = 1, .a = 1, .b = 2};
    static_cast<void>(writer.write_markers(0, std::span(&marker, 1)));
    const LostInterval lost{
        .cpu = Cpu{0}, .from = time_at(kSampleBegin), .to = time_at(kSampleBegin + 9), .count = 3};
    static_cast<void>(writer.write_lost(std::span(&lost, 1)));
    static_cast<void>(writer.write_checkpoint(time_at(kSampleBegin + 7)));
    WorkloadInfo workload;
    workload.name = "contended-counter";
    workload.truth = {{"lost", std::int64_t{5}}, {"rate", 0.5}, {"exact", true}};
    workload.threads.push_back({.tid = Tid{4711}, .role = "adder", .begin = {}, .end = {}});
    static_cast<void>(writer.write_workload(workload));
    static_cast<void>(writer.finish({.window_begin = time_at(kSampleBegin)}));
  });
}

// Up to 400 records of every block.
Bytes without_names(std::span<const std::byte> file) {
  return recorded([&](RecordingWriter& writer) {
    std::vector<std::byte> payload;
    for (const chunk::Found& found : chunk::scan(file.subspan(sizeof(chunk::FileHeader))).chunks) {
      const std::uint32_t stream = found.header.stream;
      if (!chunk::unpack(found, payload)) continue;
      if (found.header.type == chunk::Type::kWindowBegin) {
        std::int64_t begin = 0;
        std::memcpy(&begin, payload.data(), sizeof begin);
        static_cast<void>(writer.write_window_begin(time_at(begin)));
      }
      if (found.header.type != chunk::Type::kEvents) continue;
      if (stream % OBSERVE_LANES != OBSERVE_LANE_SCHED) continue;
      const Cpu cpu{static_cast<std::uint16_t>(stream / OBSERVE_LANES)};
      std::vector<observe_record> records;
      if (!decode_block(payload, cpu, records)) continue;
      records.resize(std::min<std::size_t>(records.size(), 400));
      static_cast<void>(writer.write_events(block_of(records, cpu)));
    }
    static_cast<void>(writer.finish({.end_reason = "target ended"}));
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s FOLDER [FILE.obs...]\n", argv[0]);
    return 2;
  }
  const fs::path folder = argv[1];
  for (int i = 2; i < argc; ++i) {
    const fs::path path = argv[i];
    std::ifstream file(path, std::ios::binary);
    const std::vector<char> content{std::istreambuf_iterator<char>(file), {}};
    const auto bytes = std::as_bytes(std::span(content));
    save_parts(folder, path.stem().string(), without_names(bytes));
  }
  if (argc == 2) {
    for (std::uint32_t seed = 1; seed <= 3; ++seed) {
      save_parts(folder, "invented-" + std::to_string(seed), of_all_kinds(seed));
    }
    save_parts(folder, "whole", sample(30, 2));
    save_parts(folder, "incomplete", sample(30, 2, false));
  }
  return 0;
}
