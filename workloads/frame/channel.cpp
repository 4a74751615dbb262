#include "workloads/frame/channel.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include "workloads/frame/clock.h"

namespace observe::workloads {

bool Channel::send(const Message& message) {
  const std::string bytes = encode(message);
  for (std::size_t sent = 0; sent < bytes.size();) {
    const ssize_t count =
        ::send(socket_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    sent += static_cast<std::size_t>(count);
  }
  return true;
}

Channel::Event Channel::wait(std::optional<Time> deadline, int finished) {
  while (true) {
    timespec timeout{};
    if (deadline) {
      const std::int64_t left = std::max<std::int64_t>(0, to_ns(*deadline - now()));
      timeout = {.tv_sec = left / 1'000'000'000, .tv_nsec = left % 1'000'000'000};
    }
    pollfd fds[] = {{.fd = socket_.get(), .events = POLLIN, .revents = 0},
                    {.fd = finished, .events = POLLIN, .revents = 0}};
    const int ready = ppoll(fds, 2, deadline ? &timeout : nullptr, nullptr);
    if (ready == 0) return Event::kTimeout;
    if (ready < 0) {
      if (errno == EINTR) continue;
      return Event::kStop;
    }
    if (fds[0].revents != 0) {
      char byte = 0;
      const ssize_t count = recv(socket_.get(), &byte, 1, MSG_DONTWAIT);
      if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      return count == 1 ? Event::kOpen : Event::kStop;
    }
    std::uint64_t ended = 0;
    if (fds[1].revents != 0 && read(finished, &ended, sizeof ended) == sizeof ended) {
      return Event::kFinished;
    }
  }
}

}  // namespace observe::workloads
