#include "workloads/frame/command.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/text.h"
#include "workloads/frame/process.h"

namespace observe::workloads {
namespace {

constexpr int kCannotExecute = 126;  // as POSIX shells say it
constexpr int kNotFound = 127;

int status_of(int errno_value) { return errno_value == ENOENT ? kNotFound : kCannotExecute; }

struct Pipe {
  UniqueFd read, write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return fail(error_from_errno("start the command", errno));
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

[[noreturn]] void child_main(const std::vector<std::string>& argv, const BecomeUser& become_user,
                             int gate, int errors) {
  reset_signals();
  const auto give_up = [errors](int errno_value) {
    // Nobody to tell when this fails; the exit status still says it.
    [[maybe_unused]] const ssize_t told = write(errors, &errno_value, sizeof errno_value);
    _exit(status_of(errno_value));
  };
  if (become_user) {
    if (auto became = become_user(); !became) give_up(EPERM);
  }
  char byte = 0;
  ssize_t count = 0;
  while ((count = read(gate, &byte, 1)) < 0 && errno == EINTR) {
  }
  if (count != 1) _exit(0);  // the observer gave up, or is gone

  std::vector<char*> arguments;
  for (const std::string& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  give_up(errno);
  _exit(kCannotExecute);
}

}  // namespace

Result<Command> Command::launch(std::vector<std::string> argv, const BecomeUser& become_user) {
  OBSERVE_CHECK(!argv.empty());
  auto gate = make_pipe();
  if (!gate) return fail(gate.error());
  auto errors = make_pipe();
  if (!errors) return fail(errors.error());
  const pid_t pid = fork();
  if (pid < 0) {
    return fail(error_from_errno("start the command's process", errno,
                                 "raise the limit of processes: ulimit -u"));
  }
  if (pid == 0) {
    gate->write.reset();
    child_main(argv, become_user, gate->read.get(), errors->write.get());
  }
  Command command;
  command.pid_ = pid;
  command.program_ = text::sanitise(argv[0]);
  command.gate_ = std::move(gate->write);
  command.errors_ = std::move(errors->read);
  command.pidfd_ = open_pidfd(pid);
  if (!command.pidfd_) return fail(error_from_errno("watch the command", errno));
  return command;
}

Command::Command(Command&& other) noexcept { *this = std::move(other); }

Command& Command::operator=(Command&& other) noexcept {
  if (this == &other) return *this;
  discard();
  program_ = std::move(other.program_);
  gate_ = std::move(other.gate_);
  errors_ = std::move(other.errors_);
  pidfd_ = std::move(other.pidfd_);
  pid_ = std::exchange(other.pid_, -1);
  start_status_ = other.start_status_;
  started_ = other.started_;
  reaped_ = other.reaped_;
  return *this;
}

Command::~Command() { discard(); }

void Command::discard() {
  gate_.reset();
  if (pid_ < 0 || started_ || reaped_) return;
  waitpid(pid_, nullptr, 0);  // it ends when the gate closes
  reaped_ = true;
}

Result<void> Command::start() {
  OBSERVE_CHECK(!started_);
  const char byte = 1;
  // A child that died at the gate shows below; its closed pipe must not kill the observer.
  struct sigaction ignore{};
  struct sigaction before{};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, &before);
  const bool opened = write(gate_.get(), &byte, 1) == 1;
  sigaction(SIGPIPE, &before, nullptr);
  gate_.reset();

  int errno_value = 0;
  ssize_t count = 0;
  while ((count = read(errors_.get(), &errno_value, sizeof errno_value)) < 0 && errno == EINTR) {
  }
  errors_.reset();
  if (count == 0 && opened) {
    started_ = true;
    return {};
  }
  start_status_ = count == sizeof errno_value ? status_of(errno_value) : kCannotExecute;
  waitpid(pid_, nullptr, 0);
  reaped_ = true;
  if (count != sizeof errno_value) errno_value = ECHILD;
  return fail(error_from_errno(
      fmt::format("execute '{}'", text::cut(program_, 200)), errno_value,
      errno_value == ENOENT ? "give the command's full path, or see that PATH has it" : ""));
}

Result<int> Command::wait() {
  OBSERVE_CHECK(started_ && !reaped_);
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0) {
    if (errno != EINTR) return fail(error_from_errno("wait for the command", errno));
  }
  reaped_ = true;
  return shell_status(status);
}

void Command::signal(int number) {
  if (started_ && !reaped_) kill(pid_, number);
}

}  // namespace observe::workloads
