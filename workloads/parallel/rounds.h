// Rounds in which the same work is done twice: by the first thread alone, then shared out among
// all. What the two took is the speed-up; what starting and collecting the threads takes is
// measured in every round too, by sharing out nothing.
//
// Phases (kPhase) of round r: 3r alone, 3r + 1 nothing, 3r + 2 shared out.
#pragma once

#include <string_view>
#include <vector>

#include "workloads/frame/stage.h"

namespace observe::workloads {

struct Shares {
  Nanos serial{};            // of what is shared out, what the first thread does before
  std::vector<Nanos> parts;  // one for each thread
  Nanos total() const;
};

// Where the kernel is not to choose (--place free), thread i is pinned to the i-th of the CPUs, and
// to the first again when they run out: load balancing is another lesson.
inline constexpr Parameter kUnpinned = {
    .name = "unpinned",
    .type = ParameterType::kFlag,
    .fallback = "off",
    .help =
        "with --place free: let the kernel place the threads, instead of one on each CPU in "
        "turn"};

// A round must fit into the time that there is.
Result<void> validate_rounds(const Values& values, const Shares& shares);

// Until told to stop, or --ops rounds. Facts of the whole: rounds, alone_ns, start_ns, shared_ns
// (sums of wall time), alone_cpu_ns, shared_cpu_ns (sums of the work's CPU time), critical_cpu_ns
// (that of the serial part and of the CPU that had most to do, round by round), serial_ns (of one
// round), pinned, cpus_used. Of each thread: share_ns. A round that is cut short does not count.
Result<void> perform_rounds(const Values& values, Stage& stage, const Shares& shares);

inline constexpr std::string_view kRoundsRole = "worker";

}  // namespace observe::workloads
