/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Threads come, take names, and go. These tracepoints are reached in task context with interrupts
 * on: they write to a lane of their own.
 */
#include "emit.bpf.h"
#include "life_lane.bpf.h"
#include "task.bpf.h"

static __always_inline void emit_name(struct task_struct *task, u8 cause)
{
	struct emission emission;
	struct observe_name *name;

	name = begin_record(&emission, OBSERVE_LANE_LIFE, OBSERVE_KIND_NAME, cause);
	if (!name)
		return;
	name->tid = task->pid;
	name->tgid = task->tgid;
	copy_comm(name->comm, task);
	name->reserved = 0;
	publish_record(&emission);
}

static __always_inline void emit_fork(struct task_struct *parent, struct task_struct *child)
{
	struct emission emission;
	struct observe_fork *fork;
	u8 flags = 0;

	if (child->tgid == parent->tgid)
		flags |= OBSERVE_FORK_THREAD;
	if (child->flags & PF_KTHREAD)
		flags |= OBSERVE_FORK_KERNEL;
	fork = begin_record(&emission, OBSERVE_LANE_LIFE, OBSERVE_KIND_FORK, flags);
	if (!fork)
		return;
	fork->child = child->pid;
	fork->child_tgid = child->tgid;
	fork->parent = parent->pid;
	fork->reserved = 0;
	fork->child_start = task_start_time(child);
	fork->reserved2 = 0;
	publish_record(&emission);
}

static __always_inline void emit_life(enum observe_kind kind, struct task_struct *task, u32 old_tid,
				      s32 exit_code)
{
	struct emission emission;
	struct observe_life *life;

	life = begin_record(&emission, OBSERVE_LANE_LIFE, kind, 0);
	if (!life)
		return;
	life->tid = task->pid;
	life->tgid = task->tgid;
	life->old_tid = old_tid;
	life->exit_code = exit_code;
	life->reserved[0] = 0;
	life->reserved[1] = 0;
	publish_record(&emission);
}

SEC("tp_btf/sched_process_fork")
int observe_fork(u64 *ctx)
{
	struct task_struct *parent = (void *)ctx[0];
	struct task_struct *child = (void *)ctx[1];

	if (!enter_life_lane(2))
		return 0;
	emit_fork(parent, child);
	emit_name(child, OBSERVE_NAME_FORK);
	leave_life_lane();
	return 0;
}

SEC("tp_btf/sched_process_exec")
int observe_exec(u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];

	if (!enter_life_lane(2))
		return 0;
	emit_life(OBSERVE_KIND_EXEC, task, (u32)ctx[1], 0);
	emit_name(task, OBSERVE_NAME_EXEC);
	leave_life_lane();
	return 0;
}

SEC("tp_btf/sched_process_exit")
int observe_exit(u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];

	if (!enter_life_lane(1))
		return 0;
	emit_life(OBSERVE_KIND_EXIT, task, 0, task->exit_code);
	leave_life_lane();
	return 0;
}

/* The old name is still in the task; the new one is a plain pointer, which lockdown forbids to
 * read. */
SEC("tp_btf/task_rename")
int observe_rename(u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	struct emission emission;
	struct observe_name *name;

	if (!enter_life_lane(1))
		return 0;
	name = begin_record(&emission, OBSERVE_LANE_LIFE, OBSERVE_KIND_NAME, OBSERVE_NAME_RENAME);
	if (name) {
		name->tid = task->pid;
		name->tgid = task->tgid;
		__builtin_memset(name->comm, 0, sizeof(name->comm));
		bpf_probe_read_kernel_str(name->comm, sizeof(name->comm), (void *)ctx[1]);
		name->reserved = 0;
		publish_record(&emission);
	}
	leave_life_lane();
	return 0;
}
