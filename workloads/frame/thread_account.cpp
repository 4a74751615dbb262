#include "workloads/frame/thread_account.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <charconv>

#include "workloads/frame/clock.h"
#include "workloads/frame/placement.h"

namespace observe::workloads {

ThreadAccount::ThreadAccount()
    : schedstat_(open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)) {}

void ThreadAccount::read_kernel(Reading& reading) const {
  std::array<char, 128> text;
  // "run_ns delay_ns slices", see Documentation/scheduler/sched-stats.rst.
  const ssize_t length = schedstat_ ? pread(schedstat_.get(), text.data(), text.size(), 0) : -1;
  if (length > 0) {
    const char* at = text.data();
    const char* const end = at + length;
    reading.has_schedstat = true;
    for (std::int64_t* field : {&reading.run_ns, &reading.delay_ns, &reading.slices}) {
      while (at < end && *at == ' ') ++at;
      const auto [stop, error] = std::from_chars(at, end, *field);
      if (error != std::errc{}) reading.has_schedstat = false;
      at = stop;
    }
  }
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  reading.nvcsw = usage.ru_nvcsw;
  reading.nivcsw = usage.ru_nivcsw;
}

void ThreadAccount::begin() {
  slice_ns_ = granted_slice_ns();
  read_kernel(first_);
  first_.cpu = thread_cpu_time();
  first_.at = now();
}

void ThreadAccount::end() {
  last_.at = now();
  last_.cpu = thread_cpu_time();
  read_kernel(last_);
}

void ThreadAccount::report(std::map<std::string, Fact>& truth) const {
  truth["cpu_ns"] = to_ns(cpu_time());
  truth["nvcsw"] = last_.nvcsw - first_.nvcsw;
  truth["nivcsw"] = last_.nivcsw - first_.nivcsw;
  if (slice_ns_ > 0) truth["slice_ns"] = slice_ns_;
  if (!first_.has_schedstat || !last_.has_schedstat) return;
  truth["sched_run_ns"] = last_.run_ns - first_.run_ns;
  truth["sched_delay_ns"] = last_.delay_ns - first_.delay_ns;
  truth["sched_slices"] = last_.slices - first_.slices;
}

}  // namespace observe::workloads
