#include "workloads/frame/launcher.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <fmt/format.h>

#include "base/check.h"
#include "workloads/frame/channel.h"
#include "workloads/frame/clock.h"
#include "workloads/frame/marker_memory.h"
#include "workloads/frame/outcome.h"
#include "workloads/frame/process.h"
#include "workloads/frame/stage.h"

namespace observe::workloads {
namespace {

// A process that has reported has only to exit, which takes this long at most on a busy machine,
// even where no grace is left.
constexpr Nanos kLeastToEnd = std::chrono::milliseconds{100};

// What the child does before the workload's own code runs.
// Returns whether the workload has the rights that it asks for.
Result<bool> settle(const Spec& spec, const Values& values, pid_t parent,
                    const BecomeUser& become_user) {
  reset_signals();
  // A terminal's Ctrl-C is the observer's to answer; a lost observer shows on the channel.
  std::signal(SIGINT, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
  const Rights rights = spec.rights != nullptr ? spec.rights(values) : Rights{};
  const Result<bool> prepared = prepare(scheduling_of(values), rights);
  if (!prepared) return prepared;
  if (become_user) {
    if (auto became = become_user(); !became) return fail(became.error());
  }
  // After the change of user, which clears it.
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
    return fail(error_from_errno("tie the workload to the observer", errno));
  }
  if (getppid() != parent) {
    return fail(
        Error{.action = "run the workload", .reason = "the observer has ended", .advice = {}});
  }
  prctl(PR_SET_NAME, std::string(spec.name.substr(0, 15)).c_str());
  return *prepared;
}

[[noreturn]] void child_main(const Spec& spec, const Values& values, std::uint64_t seed,
                             std::shared_ptr<SharedMarkers> markers, UniqueFd socket, pid_t parent,
                             const BecomeUser& become_user) {
  close_all_but(socket.get());
  Channel channel(std::move(socket));
  const Result<bool> has_rights = settle(spec, values, parent, become_user);
  Stage stage(spec.name, values, seed, std::move(markers), channel, has_rights.value_or(false));
  Result<void> ran;
  if (has_rights) {
    ran = spec.run(values, stage);
  } else {
    ran = fail(has_rights.error());
  }
  const bool told = ran ? channel.send(stage.take_results()) : channel.send(ran.error());
  // Not exit(): what the observer registered to happen at its own end is none of ours.
  _exit(ran && told ? 0 : 1);
}

}  // namespace

Launched::Launched() = default;
Launched::Launched(Launched&& other) noexcept { *this = std::move(other); }

Launched& Launched::operator=(Launched&& other) noexcept {
  if (this == &other) return *this;
  kill_and_reap();
  name_ = std::move(other.name_);
  markers_ = std::move(other.markers_);
  channel_ = std::move(other.channel_);
  pending_ = std::move(other.pending_);
  launched_at_ = other.launched_at_;
  pid_ = other.pid_;
  note_ = std::move(other.note_);
  running_ = std::exchange(other.running_, false);
  status_ = other.status_;
  return *this;
}

Launched::~Launched() { kill_and_reap(); }

Result<Launched> launch(const Spec& spec, const Values& values, std::uint64_t seed,
                        const BecomeUser& become_user) {
  const std::int64_t threads =
      spec.thread_count != nullptr ? spec.thread_count(values) : values.integer("threads");
  OBSERVE_CHECK(threads > 0 && threads <= kMaxThreads);
  auto markers = SharedMarkers::create(static_cast<std::uint32_t>(threads));
  if (!markers) return fail(markers.error());
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return fail(error_from_errno("start the workload", errno));
  }
  UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);

  Launched launched;
  launched.name_ = spec.name;
  launched.markers_ = *markers;
  launched.launched_at_ = now();
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) {
    return fail(error_from_errno("start the workload's process", errno,
                                 "raise the limit of processes: ulimit -u"));
  }
  if (pid == 0) {
    child_main(spec, values, seed, *std::move(markers), std::move(theirs), parent, become_user);
  }
  launched.pid_ = pid;
  launched.running_ = true;
  launched.channel_ = std::move(ours);
  return launched;
}

int Launched::done_fd() const { return channel_.get(); }
Pid Launched::pid() const { return Pid{static_cast<std::uint32_t>(pid_)}; }
std::uint32_t Launched::lanes() const { return markers_->lanes(); }
std::uint64_t Launched::dropped() const { return markers_->dropped(); }

std::size_t Launched::take(std::uint32_t lane, std::span<Marker> out) {
  return markers_->take(lane, out);
}

Error Launched::failure(std::string reason) const {
  return Error{.action = fmt::format("run the workload {}", name_),
               .reason = std::move(reason),
               .advice = {}};
}

Error Launched::death() {
  if (!wait_for_exit(std::chrono::seconds{1})) {
    kill_and_reap();
    return failure("it closed its line to the observer, and was killed");
  }
  return failure(describe_exit(status_));
}

bool Launched::wait_for_exit(Nanos timeout) {
  if (!running_) return true;
  const auto status = reap_within(pid_, timeout);
  if (!status) return false;
  status_ = *status;
  running_ = false;
  return true;
}

void Launched::kill_and_reap() {
  if (!running_) return;
  kill(pid_, SIGKILL);
  // A process that got SIGKILL ends, but not before what it waits for in the kernel does.
  if (const auto status = reap_within(pid_, kGrace)) status_ = *status;
  running_ = false;
}

Result<Message> Launched::next_message(Time deadline) {
  while (true) {
    if (pending_.size() >= kLengthBytes) {
      std::uint32_t length = 0;
      std::memcpy(&length, pending_.data(), sizeof length);
      if (length > kLongestMessage) return fail(failure("it reported more than it may"));
      if (pending_.size() - kLengthBytes >= length) {
        const MessageLimits limits{.threads = lanes(), .earliest = launched_at_, .latest = now()};
        auto message = decode(std::string_view(pending_).substr(kLengthBytes, length), limits);
        pending_.erase(0, kLengthBytes + length);
        return message;
      }
    }
    const std::int64_t left = (to_ns(deadline - now()) + 999'999) / 1'000'000;
    if (left <= 0) return fail(failure("it did not answer in time"));
    pollfd fd{.fd = channel_.get(), .events = POLLIN, .revents = 0};
    const int ready = poll(&fd, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000)));
    if (ready < 0 && errno != EINTR) return fail(error_from_errno("wait for the workload", errno));
    if (ready <= 0) continue;
    char bytes[16384];
    const ssize_t count = recv(channel_.get(), bytes, sizeof bytes, MSG_DONTWAIT);
    if (count > 0) {
      pending_.append(bytes, static_cast<std::size_t>(count));
    } else if (count == 0 || (errno != EINTR && errno != EAGAIN)) {
      return fail(death());
    }
  }
}

Result<void> Launched::wait_ready(Nanos timeout) {
  auto message = next_message(now() + timeout);
  if (!message) return fail(message.error());
  if (auto* error = std::get_if<Error>(&*message)) return fail(std::move(*error));
  if (!std::holds_alternative<Ready>(*message)) return fail(failure("it reported out of turn"));
  return {};
}

Result<void> Launched::open_gate() {
  const char byte = 1;
  if (send(channel_.get(), &byte, 1, MSG_NOSIGNAL) == 1) return {};
  return fail(death());
}

void Launched::request_stop() { shutdown(channel_.get(), SHUT_WR); }

Result<WorkloadInfo> Launched::finish(Nanos grace) {
  request_stop();
  const Time deadline = now() + grace;
  auto message = next_message(deadline);
  if (message && std::holds_alternative<Ready>(*message)) message = next_message(deadline);
  if (!message) {
    kill_and_reap();
    return fail(message.error());
  }
  if (auto* error = std::get_if<Error>(&*message)) {
    if (!wait_for_exit(grace)) kill_and_reap();
    return fail(std::move(*error));
  }
  auto* results = std::get_if<WorkloadInfo>(&*message);
  if (results == nullptr) {
    kill_and_reap();
    return fail(failure("it reported out of turn"));
  }
  results->name = name_;
  if (!wait_for_exit(std::max(grace, kLeastToEnd))) {
    // What it reported is whole: being slow to end takes nothing from it.
    kill_and_reap();
    note_ = "the workload reported its results but did not end, and was killed";
    return std::move(*results);
  }
  if (!WIFEXITED(status_) || WEXITSTATUS(status_) != 0)
    return fail(failure(describe_exit(status_)));
  return std::move(*results);
}

}  // namespace observe::workloads
