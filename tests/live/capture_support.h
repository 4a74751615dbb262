// A capture of this machine into memory, and threads that keep their own count of switches.
#pragma once

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "capture/capture.h"
#include "capture/clock.h"
#include "capture/probes.h"
#include "recording/reader.h"
#include "support/catch.h"
#include "support/skip.h"

// Before anything else in a test that loads probes.
#define OBSERVE_NEEDS_BPF()                       \
  const auto bpf_works = ::observe::try_probes(); \
  OBSERVE_SKIP_UNLESS(bpf_works, bpf_works.error().text())

namespace observe {

using namespace std::chrono_literals;

class LiveRecording {
 public:
  explicit LiveRecording(CaptureOptions options = {})
      : file_(memfd_create("recording", MFD_CLOEXEC)),
        writer_(*RecordingWriter::create(UniqueFd(dup(file_.get())))) {
    Result<std::unique_ptr<Capture>> capture = Capture::start(options, writer_, {});
    INFO((capture ? std::string() : capture.error().text()));
    REQUIRE(capture);
    capture_ = std::move(*capture);
  }
  Trace stop() {
    Result<CaptureInfo> info = capture_->stop();
    INFO((info ? std::string() : info.error().text()));
    REQUIRE(info);
    REQUIRE(writer_.finish(*info));
    return read();
  }
  Trace read() const {
    std::vector<std::byte> bytes(writer_.bytes_written());
    REQUIRE(pread(file_.get(), bytes.data(), bytes.size(), 0) ==
            static_cast<ssize_t>(bytes.size()));
    Result<Trace> trace = read_recording(bytes);
    INFO((trace ? std::string() : trace.error().text()));
    REQUIRE(trace);
    return std::move(*trace);
  }

 private:
  UniqueFd file_;
  RecordingWriter writer_;
  std::unique_ptr<Capture> capture_;
};

inline Tid own_tid() { return static_cast<Tid>(syscall(SYS_gettid)); }

// The kernel's count of the calling thread's switches, and a moment at which it held.
struct SwitchCount {
  Time at;
  long voluntary = 0;
  long involuntary = 0;
};

inline SwitchCount count_switches() {
  for (;;) {
    rusage before{}, after{};
    getrusage(RUSAGE_THREAD, &before);
    const Time at = monotonic_now();
    getrusage(RUSAGE_THREAD, &after);
    if (before.ru_nvcsw == after.ru_nvcsw && before.ru_nivcsw == after.ru_nivcsw) {
      return {.at = at, .voluntary = after.ru_nvcsw, .involuntary = after.ru_nivcsw};
    }
  }
}

// A thread on one CPU that does `work` and knows how often it was switched out meanwhile.
class CountedThread {
 public:
  CountedThread(int cpu, std::function<void()> work)
      : thread_([this, cpu, work = std::move(work)] {
          cpu_set_t one;
          CPU_ZERO(&one);
          CPU_SET(cpu, &one);
          sched_setaffinity(0, sizeof one, &one);
          tid = own_tid();
          first = count_switches();
          work();
          last = count_switches();
        }) {}
  void join() { thread_.join(); }

  Tid tid{};
  SwitchCount first, last;

 private:
  std::thread thread_;
};

inline void spin_until(Time end) {
  while (monotonic_now() < end) {
  }
}

inline void yield_until(Time end) {
  while (monotonic_now() < end) std::this_thread::yield();
}

}  // namespace observe
