/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Memory shared with the recorder, and what it sets before load. */
#ifndef OBSERVE_MAPS_BPF_H
#define OBSERVE_MAPS_BPF_H

#include "kernel_types.bpf.h"
#include "observe/wire.h"

#include <bpf/bpf_helpers.h>

/* CPU c has the slots [c * slots, (c + 1) * slots) of each array; sizes are set before load. */
struct lane_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct observe_record);
};

struct lane_map observe_sched SEC(".maps");
struct lane_map observe_life SEC(".maps");

struct observe_cursor cursors[OBSERVE_MAX_CPUS * OBSERVE_LANES] __attribute__((aligned(128)));

/* Frozen at load: the verifier knows the values and never visits a branch they rule out. */
const volatile struct observe_config config;

#endif
