#include "workloads/io/devices.h"

#include <fcntl.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "workloads/frame/clock.h"

namespace observe::workloads {
namespace {

std::unexpected<Error> failed(std::string_view action) {
  return fail(error_from_errno(std::string(action), errno));
}

}  // namespace

Result<Devices> Devices::create(std::size_t count, Nanos latency) {
  Devices devices;
  devices.latency_ = latency;
  for (std::size_t i = 0; i < count; ++i) {
    devices.fds_.emplace_back(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
    if (!devices.fds_.back()) return failed("make a timer of the workload");
  }
  return devices;
}

Result<void> Devices::set_blocking(bool blocking) {
  for (const UniqueFd& fd : fds_) {
    if (fcntl(fd.get(), F_SETFL, blocking ? 0 : O_NONBLOCK) < 0) {
      return failed("prepare a timer of the workload");
    }
  }
  return {};
}

Result<Time> Devices::request(std::size_t device) {
  const Time due = now() + latency_;
  const std::int64_t ns = std::max<std::int64_t>(to_ns(due), 1);  // zero would disarm it
  itimerspec when{};
  when.it_value = {.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000};
  if (timerfd_settime(fd(device), TFD_TIMER_ABSTIME, &when, nullptr) != 0) {
    return failed("set a timer of the workload");
  }
  return due;
}

Result<bool> Devices::take(std::size_t device) {
  std::uint64_t expired = 0;
  const ssize_t got = ::read(fd(device), &expired, sizeof expired);
  if (got == sizeof expired) return true;
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  return failed("read a timer of the workload");
}

Result<DeviceOverhead> measure_overhead(Nanos latency) {
  constexpr int kRequests = 16;
  constexpr Nanos kLongest = std::chrono::milliseconds{10};
  latency = std::min(latency, kLongest);
  auto devices = Devices::create(1, latency);
  if (!devices) return fail(devices.error());
  DeviceOverhead sum;
  for (int i = 0; i < kRequests; ++i) {
    const Nanos cpu = thread_cpu_time();
    const Time begin = now();
    if (const auto due = devices->request(0); !due) return fail(due.error());
    for (bool there = false; !there;) {
      const auto taken = devices->take(0);
      if (!taken) return fail(taken.error());
      there = *taken;
    }
    sum.time += now() - begin - latency;
    sum.cpu += thread_cpu_time() - cpu;
  }
  return DeviceOverhead{sum.time / kRequests, sum.cpu / kRequests};
}

}  // namespace observe::workloads
