/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Facts of a task that kernels keep in different places. */
#ifndef OBSERVE_TASK_BPF_H
#define OBSERVE_TASK_BPF_H

#include "kernel_types.bpf.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

static __always_inline u32 task_state(struct task_struct *task)
{
	if (bpf_core_field_exists(task->__state))
		return task->__state;
	return (u32)((struct task_struct___before_5_14 *)task)->state;
}

/* The CPU it runs on, is queued on, or ran on last. */
static __always_inline u32 task_cpu(struct task_struct *task)
{
	if (bpf_core_field_exists(task->thread_info.cpu))
		return task->thread_info.cpu;
	if (bpf_core_field_exists(task->cpu))
		return task->cpu;
	return 0;
}

/* What /proc/PID/stat gives as starttime, in ns. */
static __always_inline u64 task_start_time(struct task_struct *task)
{
	if (bpf_core_field_exists(task->start_boottime))
		return task->start_boottime;
	return ((struct task_struct___before_5_5 *)task)->real_start_time;
}

static __always_inline u64 task_run_delay(struct task_struct *task)
{
	if (bpf_core_field_exists(task->sched_info.run_delay))
		return task->sched_info.run_delay;
	return ~0ULL;
}

static __always_inline void copy_comm(char *to, struct task_struct *task)
{
	/* Two plain reads: bpf_probe_read_kernel() is refused under lockdown. */
	*(u64 *)to = *(u64 *)&task->comm[0];
	*(u64 *)(to + 8) = *(u64 *)&task->comm[8];
}

struct user_registers {
	u64 ip;
	s32 syscall; /* orig_ax: -1 when an interrupt or an exception entered the kernel */
	bool compat;
};

/*
 * False for a task that never was in user mode: the idle task, kernel threads, and the workers that
 * io_uring and vhost make of user threads, whose registers the kernel leaves zero.
 */
static __always_inline bool read_user_registers(struct task_struct *task, struct user_registers *to)
{
	struct pt_regs___kernel *regs;
	u64 sp;

	if (!task->pid || task->flags & PF_KTHREAD)
		return false;
	if (bpf_core_enum_value_exists(enum bpf_func_id___observe,
				       BPF_FUNC_task_pt_regs___observe)) {
		regs = (void *)bpf_task_pt_regs(task);
		to->ip = regs->ip;
		to->syscall = regs->orig_ax;
		sp = regs->sp;
	} else {
		/*
		 * At the top of the kernel stack; only FRED, long after 5.15, puts padding there.
		 * THREAD_SIZE is not in BTF.
		 */
		u64 size = bpf_core_field_exists(task->kasan_depth) ? 32768 : 16384;

		regs =
		    (void *)((u64)task->stack + size - bpf_core_type_size(struct pt_regs___kernel));
		to->ip = BPF_CORE_READ(regs, ip);
		to->syscall = BPF_CORE_READ(regs, orig_ax);
		sp = BPF_CORE_READ(regs, sp);
	}
	to->compat = task->thread_info.status & TS_COMPAT;
	return to->ip || sp;
}

#endif
