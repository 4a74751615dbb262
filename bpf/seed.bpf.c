/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The task iterator: every thread as it is now, one struct observe_seed each. */
#include "maps.bpf.h"
#include "task.bpf.h"

/* How often the counters are read again because they moved meanwhile. */
#define SEED_ATTEMPTS 4

static __always_inline u8 queue_flags(struct task_struct *task)
{
	u8 flags = 0;

	if (bpf_core_field_exists(task->on_cpu) ? task->on_cpu : !task_state(task))
		flags |= OBSERVE_SEED_ON_CPU;
	if (task->on_rq)
		flags |= OBSERVE_SEED_QUEUED;
	if (bpf_core_field_exists(task->se.sched_delayed) && task->se.sched_delayed)
		flags |= OBSERVE_SEED_DELAYED;
	return flags;
}

static __always_inline void read_volatile_facts(struct observe_seed *seed, struct task_struct *task)
{
	seed->nvcsw = task->nvcsw;
	seed->nivcsw = task->nivcsw;
	barrier();
	seed->run_ns = task->se.sum_exec_runtime;
	seed->run_delay_ns = task_run_delay(task);
	seed->state = task_state(task);
	seed->prio = task->prio;
	seed->cpu = task_cpu(task);
	seed->flags = queue_flags(task);
	barrier();
	seed->at = bpf_ktime_get_ns();
	barrier();
}

static __always_inline bool is_settled(const struct observe_seed *seed, struct task_struct *task)
{
	return seed->nvcsw == *(volatile unsigned long *)&task->nvcsw &&
	       seed->nivcsw == *(volatile unsigned long *)&task->nivcsw;
}

SEC("iter/task")
int observe_seed(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct user_registers user = {};
	struct observe_seed seed = {};
	bool settled = false;

	if (!task)
		return 0;
	seed.tid = task->pid;
	seed.tgid = task->tgid;
	seed.ppid = task->real_parent->tgid;
	seed.start_time = task_start_time(task);
	seed.policy = task->policy;
	if (bpf_core_field_exists(task->se.slice))
		seed.slice_ns = task->se.slice;
	copy_comm(seed.comm, task);

	for (int attempt = 0; attempt < SEED_ATTEMPTS && !settled; attempt++) {
		read_volatile_facts(&seed, task);
		settled = is_settled(&seed, task);
	}
	if (!settled)
		seed.flags |= OBSERVE_SEED_TORN;

	seed.syscall = -1;
	if (task->flags & PF_KTHREAD) {
		seed.flags |= OBSERVE_SEED_KERNEL;
	} else if (!(seed.flags & OBSERVE_SEED_ON_CPU)) {
		/* A running task's saved registers are those of its last entry into the kernel. */
		if (read_user_registers(task, &user)) {
			seed.user_ip = user.ip;
			seed.syscall = user.syscall;
			if (user.compat)
				seed.flags |= OBSERVE_SEED_COMPAT;
		} else {
			seed.flags |= OBSERVE_SEED_KERNEL;
		}
	}
	bpf_seq_write(ctx->meta->seq, &seed, sizeof(seed));
	return 0;
}
