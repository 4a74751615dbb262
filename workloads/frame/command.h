// Starts `-- COMMAND [ARG...]`: forked early, held until the observer watches, then executed.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "base/fd.h"
#include "base/result.h"
#include "base/units.h"
#include "workloads/frame/launcher.h"

namespace observe::workloads {

// The command keeps the environment, the working directory and the three standard streams, and
// shares the terminal's foreground group: Ctrl-C reaches it as if nobody watched. Signals that it
// would not find at default without us are reset. It is not killed when the observer dies.
class Command {
 public:
  // Forks; the child becomes the calling user and waits.
  static Result<Command> launch(std::vector<std::string> argv, const BecomeUser& become_user);

  Command(Command&&) noexcept;
  Command& operator=(Command&&) noexcept;
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;
  ~Command();  // a command that was never started is reaped; a running one is left alone

  // Lets it execute. An Error when that fails; start_status() then is what a shell would exit with:
  // 127 when there is no such program, 126 when it cannot be executed.
  Result<void> start();
  int start_status() const { return start_status_; }

  // Readable when it has ended (a pidfd).
  int exit_fd() const { return pidfd_.get(); }
  // Waits for its end. The exit status as a shell gives it: 128 + the signal that killed it.
  Result<int> wait();
  // Sends a signal while it runs; a command that has ended is no error.
  void signal(int number);

  Pid pid() const { return Pid{static_cast<std::uint32_t>(pid_)}; }

 private:
  Command() = default;
  void discard();

  std::string program_;
  UniqueFd gate_;    // closed without a byte: do not execute
  UniqueFd errors_;  // the errno of a failed execution; closed by a successful one
  UniqueFd pidfd_;
  pid_t pid_ = -1;
  int start_status_ = 0;
  bool started_ = false;
  bool reaped_ = false;
};

}  // namespace observe::workloads
