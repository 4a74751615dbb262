/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The lane of what happens in task context: one writer at a time. */
#ifndef OBSERVE_LIFE_LANE_BPF_H
#define OBSERVE_LIFE_LANE_BPF_H

#include "emit.bpf.h"

/*
 * Real-time kernels from 7.0 on leave preemption on around tracepoints: a second task of this CPU
 * may come here while a first is in the middle; on preemptible kernels so may one at a marked place
 * of a program (mark.bpf.c), any time. The second finds two writers and loses its records, counted
 * and located like any other loss. Both count themselves in before they look, each with one
 * instruction, so at most one of them ever finds itself alone; tasks do not change CPUs here.
 */
static __always_inline bool enter_life_lane(u64 records)
{
	struct observe_cursor *cursor = lane_cursor(bpf_get_smp_processor_id(), OBSERVE_LANE_LIFE);

	if (!cursor)
		return false;
	add_atomically(&cursor->writers, 1);
	if (*(volatile u64 *)&cursor->writers == 1)
		return true;
	add_atomically(&cursor->dropped, records);
	add_atomically(&cursor->writers, -1ULL);
	return false;
}

static __always_inline void leave_life_lane(void)
{
	struct observe_cursor *cursor = lane_cursor(bpf_get_smp_processor_id(), OBSERVE_LANE_LIFE);

	if (cursor)
		add_atomically(&cursor->writers, -1ULL);
}

#endif
