#include "app/observation.h"

#include <poll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

namespace observe::app {
namespace {

timespec to_timespec(Nanos value) {
  const std::int64_t ns = to_ns(value);
  return {.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000};
}

class Timer {
 public:
  static Result<Timer> create() {
    Timer timer;
    timer.fd_ = UniqueFd(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
    if (!timer.fd_) return fail(error_from_errno("create a timer", errno));
    return timer;
  }
  // Fires once, in `delay`; a zero delay as soon as possible.
  Result<void> set(Nanos delay) {
    const itimerspec when{.it_interval = {},
                          .it_value = to_timespec(delay > Nanos{0} ? delay : Nanos{1})};
    if (timerfd_settime(fd_.get(), 0, &when, nullptr) != 0) {
      return fail(error_from_errno("set a timer", errno));
    }
    return {};
  }
  int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_;
};

}  // namespace

Result<ObservationEnd> observe_until_end(Target& target, EndSignals& signals, int failure_fd,
                                         std::optional<Nanos> duration, Nanos grace) {
  Result<Timer> timer = Timer::create();
  if (!timer) return fail(timer.error());
  if (duration) {
    if (const auto set = timer->set(*duration); !set) return fail(set.error());
  }
  enum Source { kSignal, kFailure, kEnded, kOffspring, kTimer };
  std::array<pollfd, 5> sources{{{signals.fd(), POLLIN, 0},
                                 {failure_fd, POLLIN, 0},
                                 {target.end_fd(), POLLIN, 0},
                                 {target.offspring_fd(), POLLIN, 0},
                                 {timer->fd(), POLLIN, 0}}};
  ObservationEnd end;
  bool only_leftovers = false;  // the target itself has ended
  // The first reason to end decides what is reported; the timer then measures the grace.
  const auto ask = [&](const char* reason, int number, bool from_terminal) -> Result<bool> {
    end.reason = reason;
    if (!target.ask_to_end(number, from_terminal)) return true;
    if (const auto set = timer->set(grace); !set) return fail(set.error());
    return false;
  };
  for (;;) {
    if (poll(sources.data(), sources.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return fail(error_from_errno("wait for the end of the observation", errno));
    }
    const bool ending = !end.reason.empty();
    if (sources[kSignal].revents != 0) {
      const auto received = signals.take();
      if (received && ending) {
        end.at_once = true;
        return end;
      }
      if (received) {
        const auto done = ask("interrupted", received->number, received->from_terminal);
        if (!done) return fail(done.error());
        if (*done) return end;
        continue;
      }
    }
    if (sources[kFailure].revents != 0) {
      if (!ending) end.reason = "recording failed";
      target.kill_now();
      return end;
    }
    if (sources[kEnded].revents != 0) {
      if (!ending) {
        end.reason = "ended";
        return end;
      }
      if (!target.ask_leftovers_to_end()) return end;
      only_leftovers = true;
      sources[kEnded].fd = -1;
      if (const auto set = timer->set(grace); !set) return fail(set.error());
      continue;
    }
    if (sources[kOffspring].revents != 0) {
      target.tend();
      if (only_leftovers && !target.ask_leftovers_to_end()) return end;
    }
    if (sources[kTimer].revents != 0) {
      if (ending) {  // the grace is over
        target.kill_now();
        return end;
      }
      const auto done = ask("duration", SIGTERM, false);
      if (!done) return fail(done.error());
      if (*done) return end;
    }
  }
}

}  // namespace observe::app
