// Ways in which a thread asks devices and waits for their answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "workloads/frame/stage.h"
#include "workloads/io/devices.h"
#include "workloads/io/uring.h"

namespace observe::workloads {

struct Outcome {
  Nanos time{};
  std::int64_t requests = 0;
  std::int64_t at_once = 0;  // blocking reads that were due before they began
};

// Asks each device so often, always once more when an answer is worked off.
class DeviceClient {
 public:
  // `work`: iterations of spin_iterations() for each answer.
  DeviceClient(Worker& worker, Devices& devices, std::uint64_t work, std::int64_t rounds)
      : worker_(worker), devices_(devices), work_(work), rounds_(rounds) {}

  // Devices [first, last) in turn, which must be set to block.
  Result<Outcome> blocking(std::size_t first, std::size_t last);
  // All devices at once, which must be in the epoll set under their numbers, and not block.
  Result<Outcome> epoll(int epoll_fd);
  // All devices at once, which must be set to block. `answers`, one for each, must live longer than
  // the ring: after an Error the kernel may still write to them.
  Result<Outcome> uring(Uring& ring, std::vector<std::uint64_t>& answers);

 private:
  void work_off(Outcome& outcome, Time due);
  Result<std::vector<Time>> request_all();

  Worker& worker_;
  Devices& devices_;
  const std::uint64_t work_;
  const std::int64_t rounds_;
};

}  // namespace observe::workloads
