// Writing: what happens when the disk, the kernel or a signal does not play along.
#include "recording/writer.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "support/catch.h"
#include "unit/recording/sample.h"

namespace observe {

TEST_CASE("a full disk is an error that says so, from then on") {
  UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  REQUIRE(full);
  const Result<RecordingWriter> writer = RecordingWriter::create(std::move(full));
  REQUIRE_FALSE(writer);
  CHECK(writer.error().reason == "No space left on device");
  CHECK(writer.error().advice.find("--output") != std::string::npos);
}

TEST_CASE("a file that may not grow any more ends with whole chunks and a torn one") {
  const UniqueFd file(::memfd_create("recording", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  Result<RecordingWriter> writer = RecordingWriter::create(UniqueFd(::dup(file.get())));
  REQUIRE(writer);
  // SIGXFSZ would end the process; the program that records ignores it, and so does this test.
  const auto before = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &limit) == 0);
  const rlimit tight{.rlim_cur = 3000, .rlim_max = limit.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &tight) == 0);
  const std::vector<observe_record> records = ping_pong(20'000);
  Result<void> written;
  for (int i = 0; i < 50 && written; ++i) {
    written = writer->write_events(
        block_of(std::span(records).subspan(static_cast<std::size_t>(i) * 400, 400)));
  }
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
  std::signal(SIGXFSZ, before);
  REQUIRE_FALSE(written);
  CHECK(written.error().reason == "File too large");
  CHECK_FALSE(writer->write_window_begin(time_at(1)));  // the first error stays

  const Result<Trace> trace = read_recording(contents_of(file.get()));
  REQUIRE(trace);
  CHECK(trace->event_count() > 0);
  CHECK(trace->event_count() % 400 == 0);
  CHECK(trace->quality().incomplete);
}

TEST_CASE("short writes and signals cost nothing") {
  // A pipe of one page takes what it can; signals interrupt the writer meanwhile.
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const UniqueFd out(ends[0]);
  REQUIRE(::fcntl(ends[1], F_SETPIPE_SZ, 4096) >= 4096);
  struct sigaction action{};
  struct sigaction before{};
  action.sa_handler = [](int) {};  // no SA_RESTART: writes fail with EINTR
  REQUIRE(::sigaction(SIGUSR1, &action, &before) == 0);

  std::atomic<bool> done{false};
  std::thread writing([&, end = ends[1]] {
    Result<RecordingWriter> writer = RecordingWriter::create(UniqueFd(end));
    if (writer) write_sample(*writer, 4000, 4);
    done = true;
  });
  Bytes got;
  std::byte buffer[997];
  while (true) {
    if (!done) ::pthread_kill(writing.native_handle(), SIGUSR1);
    const ssize_t size = ::read(out.get(), buffer, sizeof buffer);
    if (size <= 0) break;
    got.insert(got.end(), buffer, buffer + size);
  }
  writing.join();
  REQUIRE(::sigaction(SIGUSR1, &before, nullptr) == 0);
  CHECK(got == sample(4000, 4));
}

TEST_CASE("several threads may write at once") {
  const Bytes bytes = recorded([](RecordingWriter& writer) {
    std::vector<std::thread> threads;
    for (std::uint16_t cpu = 0; cpu < 4; ++cpu) {
      threads.emplace_back([&writer, cpu] {
        const std::vector<observe_record> records = ping_pong(2000, cpu);
        for (std::size_t i = 0; i < 10; ++i) {
          static_cast<void>(
              writer.write_events(block_of(std::span(records).subspan(i * 200, 200), Cpu{cpu})));
          static_cast<void>(writer.write_checkpoint(time_at(kSampleBegin)));
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  });
  const Result<Trace> trace = read_recording(bytes);
  REQUIRE(trace);
  CHECK(trace->event_count() == 8000);
  CHECK(trace->quality().damaged_blocks == 0);
  CHECK(trace->quality().lost_events == 0);
}

TEST_CASE("a ping-pong takes two bytes a record or less") {
  const std::vector<observe_record> records = ping_pong(kMaxBlockRecords);
  const Bytes bytes =
      recorded([&](RecordingWriter& writer) { REQUIRE(writer.write_events(block_of(records))); });
  CHECK(bytes.size() < 2 * kMaxBlockRecords);
}

}  // namespace observe
