// Starts a workload in a process of its own, holds it at a gate until the observer watches, and
// brings its results back.
//
// The child runs as the calling user while the observer may be root: nothing it writes is
// trusted. Its results come through a socket, bounded in size and checked; its marker rings are
// read with indices that only the observer owns.
//
// The child ends by itself when its phase is over, when it is asked to, and when the observer dies
// however it dies: its end of the socket then is closed, and the kernel is asked to kill it with
// its parent. It ignores SIGINT: on a terminal Ctrl-C reaches both, and the observer decides.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/fd.h"
#include "base/result.h"
#include "base/units.h"
#include "trace/events.h"
#include "trace/run.h"
#include "workloads/frame/outcome.h"
#include "workloads/frame/spec.h"

namespace observe::workloads {

// Gives up privileges in the child, before anything of the workload runs.
using BecomeUser = std::function<Result<void>()>;

// How long a workload that was told to stop may take before it is killed.
inline constexpr Nanos kGrace = std::chrono::seconds{5};

class SharedMarkers;  // marker_memory.h

class Launched {
 public:
  Launched(Launched&&) noexcept;
  Launched& operator=(Launched&&) noexcept;
  Launched(const Launched&) = delete;
  Launched& operator=(const Launched&) = delete;
  ~Launched();  // kills and reaps what is left

  // All threads created, placed and waiting at the gate.
  Result<void> wait_ready(Nanos timeout = std::chrono::seconds{30});
  // Lets them run. Call once, when wait_ready() succeeded.
  Result<void> open_gate();
  // Asks it to end its phase and report. May be called at any time, any number of times.
  void request_stop();
  // Readable when the workload has results or has died: call finish() then.
  int done_fd() const;
  // Stops it unless it has ended, takes its results and reaps it; kills it when it takes longer
  // than the grace time. An Error when it failed, died or reported nonsense; one that had reported
  // and was then killed because it did not end is none, but noted. Call once.
  Result<WorkloadInfo> finish(Nanos grace = kGrace);
  // What people should know of how it ended; mostly empty.
  const std::string& note() const { return note_; }

  // Of the workload's process; after finish() the number may belong to another one.
  Pid pid() const;
  // Lanes of markers: one per thread of the workload.
  std::uint32_t lanes() const;
  // Copies up to out.size() markers of one lane and returns how many. For one thread at a time.
  std::size_t take(std::uint32_t lane, std::span<Marker> out);
  // Markers that found their ring full, or that made no sense.
  std::uint64_t dropped() const;

 private:
  friend Result<Launched> launch(const Spec&, const Values&, std::uint64_t, const BecomeUser&);
  Launched();

  Result<Message> next_message(Time deadline);
  Error failure(std::string reason) const;
  Error death();
  bool wait_for_exit(Nanos timeout);
  void kill_and_reap();

  std::string name_;
  std::shared_ptr<SharedMarkers> markers_;
  UniqueFd channel_;     // to the child: one byte opens the gate, the end stops it; back: messages
  std::string pending_;  // of a message that has not come whole
  std::string note_;
  Time launched_at_;
  pid_t pid_ = -1;
  bool running_ = false;  // not reaped yet: the pid is still the child's
  int status_ = 0;
};

// Forks. Call before the process has threads or descriptors that the workload must not have; the
// child closes what it inherits all the same. `values` come from resolve().
Result<Launched> launch(const Spec& spec, const Values& values, std::uint64_t seed,
                        const BecomeUser& become_user);

}  // namespace observe::workloads
