/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* sched_migrate_task: a task is about to be moved to another CPU, asleep, queued or running. */
#include "emit.bpf.h"
#include "task.bpf.h"

SEC("tp_btf/sched_migrate_task")
int observe_migrate(u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	struct emission emission;
	struct observe_wake *move;

	move = begin_record(&emission, OBSERVE_LANE_SCHED, OBSERVE_KIND_MIGRATE, 0);
	if (!move)
		return 0;
	move->tid = task->pid;
	move->by = (u32)bpf_get_current_pid_tgid();
	move->prio = task->prio;
	move->from_cpu = task_cpu(task);
	move->to_cpu = (u32)ctx[1];
	move->reserved[0] = 0;
	move->reserved[1] = 0;
	move->reserved[2] = 0;
	publish_record(&emission);
	return 0;
}
