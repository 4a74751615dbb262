// What forked children and their parents have in common.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/fd.h"
#include "base/units.h"

namespace observe::workloads {

// In a child: unblocks all signals and sets every one to its default, but for those that whoever
// started the observer had ignored for it (nohup: SIGHUP; a shell's background job: SIGINT,
// SIGQUIT).
void reset_signals();

// In a child: closes every descriptor but the standard streams and this one.
void close_all_but(int fd);

// A descriptor that becomes readable when the child has ended. Linux 5.3 and later.
UniqueFd open_pidfd(pid_t pid);

// Waits for a child's end and reaps it: the status as in wait(2), or nothing after `timeout`.
std::optional<int> reap_within(pid_t pid, Nanos timeout);

// "ended with status 3", "was killed by signal 11 (Segmentation fault)".
std::string describe_exit(int status);

// The exit status that a shell gives: the process's own, or 128 + the signal that killed it.
int shell_status(int status);

}  // namespace observe::workloads
