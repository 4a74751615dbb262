// What is observed, behind one face: a workload, a command, a running process, the machine.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "app/invocation.h"
#include "base/identity.h"
#include "base/result.h"
#include "base/units.h"
#include "capture/capture.h"
#include "trace/run.h"

namespace observe::app {

struct TargetEnd {
  std::optional<int> exit_status;  // as a shell reports it
  std::optional<WorkloadInfo> workload;
  std::string note;  // what people should know of how it ended; mostly empty
};

class Target {
 public:
  virtual ~Target() = default;  // nothing that we started is left running

  virtual std::string name() const = 0;
  virtual std::optional<Pid> root_process() const { return std::nullopt; }
  virtual MarkerSource markers() { return {}; }

  // Lets it run: everything is being recorded now.
  virtual Result<void> release() { return {}; }
  // The exit status when release() failed.
  virtual int refused_status() const { return static_cast<int>(Failure::kRuntime); }
  // Readable when it has ended by itself; -1: it never does.
  virtual int end_fd() const { return -1; }
  // Asks it to end, as the signal `number` would. False: it goes on, only the observation ends.
  virtual bool ask_to_end(int number, bool sent_by_terminal);
  virtual void kill_now() {}
  // Readable when a process that comes from it has ended: call tend() then. -1: nothing to tend.
  virtual int offspring_fd() const { return -1; }
  virtual void tend() {}
  // After it was asked to end and has ended: asks what it left behind, and says whether anything
  // is left.
  virtual bool ask_leftovers_to_end() { return false; }
  // After it has ended, or has been killed.
  virtual Result<TargetEnd> finish() { return TargetEnd{}; }
};

// Starts it up to the point where it waits to be released; forks, so call it before the process has
// threads.
Result<std::unique_ptr<Target>> make_target(const RunInvocation& run, const Identity& user,
                                            std::uint64_t seed);

}  // namespace observe::app
