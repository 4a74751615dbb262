/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A program under observation comes to a place that it marked with a USDT probe. Loaded only when
 * such places are asked for. Task context, interrupts on: like the lifecycle tracepoints.
 */
#include "emit.bpf.h"
#include "life_lane.bpf.h"

/* The registers of user mode, by their uapi names. */
#include <linux/ptrace.h>

#include <bpf/usdt.bpf.h>

SEC("usdt")
int observe_mark(struct pt_regs *ctx)
{
	struct emission emission;
	struct observe_mark *mark;
	long a = 0;
	long b = 0;

	/* A failure leaves 0: the place has fewer arguments, or one cannot be read. */
	bpf_usdt_arg(ctx, 0, &a);
	bpf_usdt_arg(ctx, 1, &b);
	if (!enter_life_lane(1))
		return 0;
	mark = begin_record(&emission, OBSERVE_LANE_LIFE, OBSERVE_KIND_MARK, 0);
	if (mark) {
		mark->tid = (u32)bpf_get_current_pid_tgid();
		mark->mark = (u16)bpf_usdt_cookie(ctx);
		mark->reserved = 0;
		mark->a = (u64)a;
		mark->b = (u64)b;
		mark->reserved2 = 0;
		publish_record(&emission);
	}
	leave_life_lane();
	return 0;
}
