/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* sched_switch: who leaves a CPU, in what state, from which system call, and who comes. */
#include "emit.bpf.h"
#include "task.bpf.h"

/* The kernel's own account of a thread that will never run again. */
static __always_inline void emit_account(struct task_struct *task)
{
	struct emission emission;
	struct observe_account *account;

	account = begin_record(&emission, OBSERVE_LANE_SCHED, OBSERVE_KIND_ACCOUNT, 0);
	if (!account)
		return;
	account->tid = task->pid;
	account->nvcsw = (u32)task->nvcsw;
	account->nivcsw = (u32)task->nivcsw;
	account->reserved = 0;
	account->run_ns = task->se.sum_exec_runtime;
	account->run_delay_ns = task_run_delay(task);
	publish_record(&emission);
}

static __always_inline void emit_switch(bool preempt, struct task_struct *prev,
					struct task_struct *next, u32 state)
{
	struct user_registers user = {};
	struct emission emission;
	struct observe_switch *record;

	record = begin_record(&emission, OBSERVE_LANE_SCHED, OBSERVE_KIND_SWITCH, 0);
	if (!record)
		return;
	record->head.flags = preempt ? OBSERVE_SWITCH_PREEMPT : 0;
	if (read_user_registers(prev, &user)) {
		record->user_ip = user.ip;
		record->syscall = user.syscall;
		if (user.compat)
			record->head.flags |= OBSERVE_SWITCH_COMPAT;
	} else {
		record->user_ip = 0;
		record->syscall = -1;
		record->head.flags |= OBSERVE_SWITCH_KERNEL;
	}
	record->prev = prev->pid;
	record->next = next->pid;
	record->prev_state = state;
	record->prev_prio = prev->prio;
	record->next_prio = next->prio;
	record->reserved = 0;
	record->nvcsw = prev->nvcsw;
	record->nivcsw = prev->nivcsw;
	publish_record(&emission);
}

/*
 * Raw arguments, because their number and order differ between kernels: reading one that is not
 * there is refused even where it is never used, unless config rules the branch out.
 */
SEC("tp_btf/sched_switch")
int observe_switch(u64 *ctx)
{
	struct task_struct *prev, *next;
	bool preempt = ctx[0];
	u32 state;

	if (config.switch_order == OBSERVE_SWITCH_STATE_SECOND) {
		state = ctx[1];
		prev = (void *)ctx[2];
		next = (void *)ctx[3];
	} else {
		prev = (void *)ctx[1];
		next = (void *)ctx[2];
		if (config.switch_order == OBSERVE_SWITCH_STATE_LAST)
			state = ctx[3];
		else
			state = task_state(prev);
	}
	emit_switch(preempt, prev, next, state);
	if (state & TASK_DEAD)
		emit_account(prev);
	return 0;
}
