// The probes in the kernel: loaded, attached, asked, and let go. No type of libbpf leaves here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "capture/capture.h"
#include "capture/lanes.h"
#include "observe/wire.h"

namespace observe {

// Everything belongs to descriptors of this process: nothing is pinned, so that the kernel removes
// the probes when the process ends, however it ends.
class ProbeSet {
 public:
  // Loads the programs. Errors: kNotAllowed where privileges, lockdown or the kernel forbid it.
  static Result<std::unique_ptr<ProbeSet>> load(const LaneSizes& sizes,
                                                std::vector<UsdtProbe> usdt = {});
  ~ProbeSet();

  // Attaches every probe and prepares `seed_passes` walks over all threads. It needs the same
  // privileges as load(); what comes after needs none.
  Result<void> attach(int seed_passes);
  // Walks over all threads of the process's pid namespace, once per prepared pass.
  Result<std::vector<observe_seed>> read_seeds();
  void detach();

  // Valid as long as this object, detached or not.
  LaneReader lane(Cpu cpu, std::uint32_t lane);

  // Runs that the kernel skipped because the program was already running on that CPU
  // (bpf_prog_info.recursion_misses, since 5.12). Before 5.19 asking needs CAP_BPF where
  // unprivileged BPF is off; zero when the kernel does not tell.
  std::uint64_t missed_runs() const;

  // What could not be had on this kernel, in words; empty where all could.
  const std::vector<std::string>& notes() const;

 private:
  struct State;
  explicit ProbeSet(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Tries whether the probes load and attach here, and takes them away again.
Result<void> try_probes();

}  // namespace observe
