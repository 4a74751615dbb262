#include "app/offspring.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace observe::app {
namespace {

namespace fs = std::filesystem;

// More than PID_MAX_LIMIT there are not; a tree that is torn apart while it is read ends here.
constexpr std::size_t kMostProcesses = std::size_t{1} << 22;

sigset_t child_signal() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  return set;
}

std::optional<pid_t> to_pid(std::string_view text) {
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
  if (error != std::errc() || end != text.data() + text.size() || pid <= 0) return std::nullopt;
  return pid;
}

std::vector<pid_t> numbers_in(const fs::path& folder) {
  std::vector<pid_t> numbers;
  std::error_code gone;  // a process may end while it is looked at
  for (fs::directory_iterator at(folder, gone), end; !gone && at != end; at.increment(gone)) {
    if (const auto number = to_pid(at->path().filename().native())) numbers.push_back(*number);
  }
  return numbers;
}

std::string read_text(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::optional<pid_t> parent_of(pid_t pid) {
  constexpr std::string_view kField = "\nPPid:\t";
  const std::string status = read_text(fmt::format("/proc/{}/status", pid));
  const std::size_t at = status.find(kField);
  if (at == std::string::npos) return std::nullopt;
  const std::string_view rest = std::string_view(status).substr(at + kField.size());
  return to_pid(rest.substr(0, rest.find('\n')));
}

bool kernel_lists_children() {
  return access(fmt::format("/proc/self/task/{}/children", getpid()).c_str(), R_OK) == 0;
}

std::vector<pid_t> listed_children(pid_t parent) {
  std::vector<pid_t> children;
  const fs::path tasks = fmt::format("/proc/{}/task", parent);
  for (const pid_t thread : numbers_in(tasks)) {
    std::ifstream stream(tasks / std::to_string(thread) / "children");
    for (pid_t child = 0; stream >> child;) children.push_back(child);
  }
  return children;
}

// Through a descriptor of the process, so that a number that is used again meanwhile is not hit:
// who opens it and then still finds its parent among ours has the right one.
void send(pid_t pid, const std::vector<pid_t>& parents, int number, bool and_wake) {
  const UniqueFd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!process) return;
  const std::optional<pid_t> parent = parent_of(pid);
  // Where /proc hides it only our own children are listed, whose numbers are theirs until reaped.
  if (parent && *parent != getpid() && std::ranges::find(parents, *parent) == parents.end()) return;
  syscall(SYS_pidfd_send_signal, process.get(), number, nullptr, 0);
  if (and_wake) syscall(SYS_pidfd_send_signal, process.get(), SIGCONT, nullptr, 0);
}

}  // namespace

std::vector<pid_t> descendants_of(pid_t root) {
  std::vector<pid_t> found{root};
  std::set<pid_t> known{root};
  const auto add = [&](pid_t pid) {
    if (found.size() < kMostProcesses && known.insert(pid).second) found.push_back(pid);
  };
  std::size_t next = 0;  // whose children are not looked for yet; adding makes more of them
  if (kernel_lists_children()) {
    while (next < found.size()) {
      for (const pid_t child : listed_children(found[next++])) add(child);
    }
  } else {
    std::vector<std::pair<pid_t, pid_t>> parents;
    for (const pid_t pid : numbers_in("/proc")) {
      if (const auto parent = parent_of(pid)) parents.emplace_back(*parent, pid);
    }
    std::ranges::sort(parents);
    while (next < found.size()) {
      const auto children =
          std::ranges::equal_range(parents, found[next++], {}, &std::pair<pid_t, pid_t>::first);
      for (const auto& [parent, child] : children) add(child);
    }
  }
  found.erase(found.begin());
  return found;
}

Result<Offspring> Offspring::adopt() {
  Offspring offspring;
  const sigset_t set = child_signal();
  offspring.fd_ = UniqueFd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!offspring.fd_) return fail(error_from_errno("watch for the end of processes", errno));
  if (const int error = pthread_sigmask(SIG_BLOCK, &set, nullptr); error != 0) {
    return fail(error_from_errno("block a signal", error));
  }
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
    return fail(error_from_errno("adopt what the command leaves behind", errno));
  }
  return offspring;
}

Offspring::~Offspring() {
  if (!fd_) return;
  prctl(PR_SET_CHILD_SUBREAPER, 0);
  const sigset_t set = child_signal();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void Offspring::reap(pid_t spared) {
  signalfd_siginfo ignored;
  while (read(fd_.get(), &ignored, sizeof ignored) > 0) {
  }
  for (;;) {
    siginfo_t info{};
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
      if (errno == EINTR) continue;
      return;
    }
    if (info.si_pid == 0 || info.si_pid == spared) return;
    waitpid(info.si_pid, nullptr, WNOHANG);
  }
}

bool Offspring::any_left() {
  reap(-1);
  siginfo_t info{};
  return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;  // else: ECHILD
}

void Offspring::ask(int number) {
  const std::vector<pid_t> all = descendants_of(getpid());
  for (const pid_t pid : all) {
    if (number == SIGTERM && !asked_.insert(pid).second) continue;
    send(pid, all, number, true);
  }
}

bool Offspring::kill_all(Nanos timeout) {
  using std::chrono::steady_clock;
  const auto deadline = steady_clock::now() + timeout;
  while (any_left()) {
    const std::vector<pid_t> all = descendants_of(getpid());
    for (const pid_t pid : all) send(pid, all, SIGKILL, false);
    if (steady_clock::now() > deadline) return false;
    pollfd fd{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    poll(&fd, 1, 10);
  }
  return true;
}

}  // namespace observe::app
