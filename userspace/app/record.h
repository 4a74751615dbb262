// One observation, from its target's start to the sealed recording.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>

#include "app/invocation.h"
#include "app/signals.h"
#include "base/fd.h"
#include "base/identity.h"
#include "base/result.h"

namespace observe::app {

struct Recorded {
  UniqueFd file;  // the recording itself, whatever its name leads to by now
  std::filesystem::path path;
  bool at_once = false;  // a second signal: it ends where it was cut off, and no report is wanted
  bool interrupted = false;  // a first one: it is shorter than it was to be
  std::optional<int> exit_status;
  std::optional<Error> late_error;  // of the target or the recording; comes after the report
};

struct RecordFailure {
  Error error;
  // Of the whole program; a command that cannot be executed has one of its own.
  int status = static_cast<int>(error.failure);
};

// Whatever happens, nothing that was started is left running, and no recording without content is
// left behind. Of the caller's capabilities only those are left that settle_as() takes. `tied_to`:
// the observation ends as by SIGTERM when this parent ends.
std::expected<Recorded, RecordFailure> record(const RunInvocation& run, const Identity& user,
                                              std::uint64_t seed, EndSignals& signals,
                                              std::optional<pid_t> tied_to = {});

// The seed that was asked for, or a new one.
Result<std::uint64_t> seed_of(const RunInvocation& run);

}  // namespace observe::app
