// Records as the probes write them to the events of a trace. Internal to the reader.
#pragma once

#include <cstdint>

#include "observe/wire.h"
#include "trace/builder.h"

namespace observe::convert {

static_assert(kLanes == OBSERVE_LANES && kSchedulerLane == OBSERVE_LANE_SCHED &&
              kLifecycleLane == OBSERVE_LANE_LIFE);

// CPUs beyond what the probes can record become kNoCpu.
Cpu cpu_of(std::uint32_t cpu);

// False when the record's kind is none that this version knows.
bool add_record(const observe_record& record, std::uint32_t stream, TraceBuilder& builder);

ThreadSeed seed_of(const observe_seed& seed);

}  // namespace observe::convert
