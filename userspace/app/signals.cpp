#include "app/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

namespace observe::app {
namespace {

sigset_t end_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action{};
    // A blocked signal is never dropped as ignored, so an ignored one must not be blocked.
    if (sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) continue;
    sigaddset(&set, number);
  }
  return set;
}

}  // namespace

Result<EndSignals> EndSignals::block() {
  const sigset_t set = end_signals();
  EndSignals signals;
  signals.fd_ = UniqueFd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals.fd_) return fail(error_from_errno("watch for signals", errno));
  if (const int error = pthread_sigmask(SIG_BLOCK, &set, nullptr); error != 0) {
    return fail(error_from_errno("block signals", error));
  }
  return signals;
}

EndSignals::EndSignals(EndSignals&& other) noexcept = default;

EndSignals::~EndSignals() {
  if (!fd_) return;
  const sigset_t set = end_signals();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

std::optional<EndSignals::Received> EndSignals::take() {
  signalfd_siginfo info{};
  if (read(fd_.get(), &info, sizeof info) != sizeof info) return std::nullopt;
  return Received{.number = static_cast<int>(info.ssi_signo),
                  .from_terminal = info.ssi_code > 0};  // SI_USER and below: a process sent it
}

}  // namespace observe::app
