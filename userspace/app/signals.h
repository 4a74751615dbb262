// The signals that end an observation, as something to poll.
#pragma once

#include <optional>

#include "base/fd.h"
#include "base/result.h"

namespace observe::app {

// While it lives SIGINT, SIGTERM and SIGHUP wait in a descriptor instead of ending the process;
// those that whoever started us had ignored (nohup) stay ignored. Afterwards they act as before,
// those that wait included. Construct before the process has threads: they inherit the mask.
class EndSignals {
 public:
  static Result<EndSignals> block();
  EndSignals(EndSignals&& other) noexcept;
  EndSignals& operator=(EndSignals&&) = delete;
  ~EndSignals();

  struct Received {
    int number = 0;
    bool from_terminal = false;  // the kernel sent it: Ctrl-C, a hang-up
  };
  int fd() const { return fd_.get(); }
  std::optional<Received> take();

 private:
  EndSignals() = default;
  UniqueFd fd_;
};

}  // namespace observe::app
