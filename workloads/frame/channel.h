// The workload's end of the line to the observer.
#pragma once

#include <optional>

#include "base/fd.h"
#include "base/result.h"
#include "base/units.h"
#include "workloads/frame/outcome.h"

namespace observe::workloads {

class Channel {
 public:
  explicit Channel(UniqueFd socket) : socket_(std::move(socket)) {}

  // False when the observer is gone.
  bool send(const Message& message);

  enum class Event { kOpen, kStop, kFinished, kTimeout };
  // Sleeps until the observer opens the gate or asks to stop (or is gone), until `finished` (an
  // eventfd) is written to, or until the deadline.
  Event wait(std::optional<Time> deadline, int finished);

 private:
  UniqueFd socket_;
};

}  // namespace observe::workloads
