// Slow devices that take the same time for every request, on every machine and without a network:
// timers that are read like files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "base/units.h"

namespace observe::workloads {

class Devices {
 public:
  static Result<Devices> create(std::size_t count, Nanos latency);

  std::size_t size() const { return fds_.size(); }
  int fd(std::size_t device) const { return fds_[device].get(); }
  // Whether a read sleeps until the answer is there; else it fails when it is not.
  Result<void> set_blocking(bool blocking);
  // Asks for something: the answer can be read `latency` from now, at the time that is returned.
  Result<Time> request(std::size_t device);
  // True: the answer was there, and has been taken.
  Result<bool> take(std::size_t device);

 private:
  Nanos latency_{};
  std::vector<UniqueFd> fds_;
};

// What a request costs beyond the device's latency when nothing else is going on, the mean of some:
// a timer that fires late, the wake-up, system calls. The longer a CPU has been idle the longer its
// wake-up may take, so it is measured with this latency, though not with one beyond 10 ms.
struct DeviceOverhead {
  Nanos time{};
  Nanos cpu{};
};
Result<DeviceOverhead> measure_overhead(Nanos latency);

}  // namespace observe::workloads
