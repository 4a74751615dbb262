#include "workloads/io/client.h"

#include <sys/epoll.h>

#include <cerrno>

#include "workloads/frame/clock.h"
#include "workloads/frame/work_unit.h"

namespace observe::workloads {
namespace {

Outcome ended(Outcome outcome, Time begin) {
  outcome.time = now() - begin;
  return outcome;
}

}  // namespace

void DeviceClient::work_off(Outcome& outcome, Time due) {
  const auto stamp = static_cast<std::uint64_t>(to_ns(due));
  const auto number = static_cast<std::uint64_t>(outcome.requests++);
  worker_.mark(MarkerKind::kOperationBegin, number, stamp);
  spin_iterations(work_);
  worker_.mark(MarkerKind::kOperationEnd, number, stamp);
}

Result<std::vector<Time>> DeviceClient::request_all() {
  std::vector<Time> dues;
  for (std::size_t device = 0; device < devices_.size(); ++device) {
    const auto due = devices_.request(device);
    if (!due) return fail(due.error());
    dues.push_back(*due);
  }
  return dues;
}

Result<Outcome> DeviceClient::blocking(std::size_t first, std::size_t last) {
  Outcome outcome;
  const Time begin = now();
  for (std::int64_t round = 0; round < rounds_; ++round) {
    for (std::size_t device = first; device < last; ++device) {
      if (worker_.stopping()) return ended(outcome, begin);
      const auto due = devices_.request(device);
      if (!due) return fail(due.error());
      if (now() >= *due) ++outcome.at_once;
      for (bool there = false; !there;) {
        const auto taken = devices_.take(device);
        if (!taken) return fail(taken.error());
        there = *taken;
      }
      work_off(outcome, *due);
    }
  }
  return ended(outcome, begin);
}

Result<Outcome> DeviceClient::epoll(int epoll_fd) {
  Outcome outcome;
  std::vector<std::int64_t> left(devices_.size(), rounds_);
  const Time begin = now();
  auto dues = request_all();
  if (!dues) return fail(dues.error());
  std::vector<epoll_event> events(devices_.size());
  for (auto open = static_cast<std::int64_t>(devices_.size()) * rounds_; open > 0;) {
    if (worker_.stopping()) break;
    const int ready = epoll_wait(epoll_fd, events.data(), static_cast<int>(events.size()), -1);
    if (ready < 0 && errno != EINTR) return fail(error_from_errno("wait for devices", errno));
    for (int i = 0; i < ready; ++i) {
      const std::size_t device = events[static_cast<std::size_t>(i)].data.u64;
      const auto taken = devices_.take(device);
      if (!taken) return fail(taken.error());
      if (!*taken) continue;
      work_off(outcome, (*dues)[device]);
      --open;
      if (--left[device] == 0) continue;
      const auto due = devices_.request(device);
      if (!due) return fail(due.error());
      (*dues)[device] = *due;
    }
  }
  return ended(outcome, begin);
}

Result<Outcome> DeviceClient::uring(Uring& ring, std::vector<std::uint64_t>& answers) {
  Outcome outcome;
  std::vector<std::int64_t> left(devices_.size(), rounds_);
  const Time begin = now();
  auto dues = request_all();
  if (!dues) return fail(dues.error());
  const auto read = [&](std::size_t device) {
    ring.read(devices_.fd(device), &answers[device], sizeof answers[device], device);
  };
  for (std::size_t device = 0; device < devices_.size(); ++device) read(device);
  // Even when told to stop: no read is left to the next time.
  std::size_t reading = devices_.size();
  while (reading > 0) {
    if (auto entered = ring.enter(); !entered) return fail(entered.error());
    while (const auto done = ring.next_done()) {
      const std::size_t device = done->tag;
      --reading;
      if (done->result != static_cast<int>(sizeof(std::uint64_t))) {
        return fail(
            error_from_errno("read a device by io_uring", done->result < 0 ? -done->result : EIO));
      }
      work_off(outcome, (*dues)[device]);
      if (--left[device] == 0 || worker_.stopping()) continue;
      const auto due = devices_.request(device);
      if (!due) return fail(due.error());
      (*dues)[device] = *due;
      read(device);
      ++reading;
    }
  }
  return ended(outcome, begin);
}

}  // namespace observe::workloads
