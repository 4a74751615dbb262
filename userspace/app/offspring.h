// The processes that come from one that we started, wherever they have gone: found, asked to end,
// killed, reaped.
#pragma once

#include <sys/types.h>

#include <set>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "base/units.h"

namespace observe::app {

// While it lives this process adopts the orphans among its descendants (PR_SET_CHILD_SUBREAPER), so
// that a daemon that forks twice and takes a session of its own is found all the same. Construct
// before the process has threads: SIGCHLD is blocked, and they inherit the mask.
class Offspring {
 public:
  static Result<Offspring> adopt();
  Offspring(Offspring&&) noexcept = default;
  Offspring& operator=(Offspring&&) = delete;
  ~Offspring();

  // Readable when a child has ended: call reap() or any_left() then.
  int fd() const { return fd_.get(); }
  // Reaps the children that have ended; those behind the zombie of `spared` stay until it is gone.
  void reap(pid_t spared);
  // Reaps; whether a descendant is left.
  bool any_left();
  // Sends a signal to all; SIGTERM to each only once, and wakes those that are stopped.
  void ask(int number);
  // Kills and reaps all, those too that are made meanwhile. False: some live on after `timeout`,
  // in the kernel's hands.
  bool kill_all(Nanos timeout);

 private:
  Offspring() = default;
  UniqueFd fd_;
  // Numbers only: one that is used again costs its new owner the request, not its end.
  std::set<pid_t> asked_;
};

// All processes whose chain of parents leads to `root`, parents before their children. From
// /proc/PID/task/TID/children (CONFIG_PROC_CHILDREN), which hidepid does not hide for the caller's
// own, or where the kernel has none from the parents of all processes.
std::vector<pid_t> descendants_of(pid_t root);

}  // namespace observe::app
