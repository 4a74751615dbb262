#include "workloads/frame/process.h"

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <fmt/format.h>

#include "workloads/frame/clock.h"

namespace observe::workloads {

void reset_signals() {
  for (int number = 1; number < NSIG; ++number) {
    if (number == SIGHUP || number == SIGINT || number == SIGQUIT) {
      struct sigaction action{};
      if (sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) continue;
    }
    std::signal(number, SIG_DFL);  // refused for SIGKILL, SIGSTOP and the C library's own: right
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

void close_all_but(int fd) {
  const auto kept = static_cast<unsigned>(fd);
  if (kept > 3) close_range(3, kept - 1, 0);
  close_range(std::max(kept + 1, 3u), ~0u, 0);
}

UniqueFd open_pidfd(pid_t pid) {
  return UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
}

std::optional<int> reap_within(pid_t pid, Nanos timeout) {
  const UniqueFd ended = open_pidfd(pid);
  const Time deadline = now() + timeout;
  while (true) {
    int status = 0;
    const pid_t reaped = waitpid(pid, &status, WNOHANG);
    if (reaped == pid) return status;
    if (reaped < 0 && errno != EINTR) return std::nullopt;
    const std::int64_t left = (to_ns(deadline - now()) + 999'999) / 1'000'000;
    if (left <= 0) return std::nullopt;
    // Without a pidfd (no descriptors left) this is a sleep.
    pollfd fd{.fd = ended.get(), .events = POLLIN, .revents = 0};
    poll(&fd, 1, static_cast<int>(std::min<std::int64_t>(left, ended ? 60'000 : 10)));
  }
}

std::string describe_exit(int status) {
  if (WIFSIGNALED(status)) {
    const char* name = sigdescr_np(WTERMSIG(status));
    return fmt::format("it was killed by signal {} ({})", WTERMSIG(status),
                       name != nullptr ? name : "unknown");
  }
  return fmt::format("it ended with status {}", WEXITSTATUS(status));
}

int shell_status(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace observe::workloads
