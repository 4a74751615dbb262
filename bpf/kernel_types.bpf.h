/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The kernel's types as far as the probes read them. Offsets come from the running kernel's BTF
 * (CO-RE): only names and types matter here, and a field that some kernels lack is asked for with
 * bpf_core_field_exists() first. Integers are unsigned wherever their values allow it: libbpf
 * adapts the width of a read only then (7.3 made on_cpu and on_rq bytes). A type NAME___suffix is
 * another shape of NAME.
 */
#ifndef OBSERVE_KERNEL_TYPES_BPF_H
#define OBSERVE_KERNEL_TYPES_BPF_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s16 s16;
typedef __s32 s32;

#define NULL ((void *)0)

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct thread_info {
	u32 status;
	u32 cpu; /* since 5.16 */
};

struct sched_entity {
	u64 sum_exec_runtime;
	u64 slice;		     /* since 6.6 */
	unsigned char sched_delayed; /* since 6.12 */
};

struct sched_info {
	unsigned long long run_delay; /* with CONFIG_SCHED_INFO */
};

struct task_struct {
	struct thread_info thread_info;
	unsigned int __state; /* since 5.14 */
	void *stack;
	unsigned int flags;
	unsigned int on_cpu; /* with CONFIG_SMP, like both cpu */
	unsigned int cpu;    /* until 5.15 */
	unsigned int on_rq;
	int prio;
	unsigned int policy;
	struct sched_entity se;
	struct sched_info sched_info;
	unsigned int exit_code;
	unsigned int pid;
	unsigned int tgid;
	struct task_struct *real_parent;
	unsigned long nvcsw;
	unsigned long nivcsw;
	u64 start_boottime; /* since 5.5 */
	char comm[16];
	unsigned int kasan_depth; /* with CONFIG_KASAN, which doubles the stack */
};

struct task_struct___before_5_14 {
	volatile long state;
};

struct task_struct___before_5_5 {
	u64 real_start_time;
};

/* The uapi header calls these orig_rax, rip and rsp, which are not the names in BTF. */
struct pt_regs___kernel {
	unsigned long orig_ax;
	unsigned long ip;
	unsigned long sp;
};

struct pcpu_hot___6_2 {
	int preempt_count;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

enum bpf_func_id___observe {
	BPF_FUNC_task_pt_regs___observe = 175, /* since 5.15 */
};

#pragma clang attribute pop

/* Constants that BTF does not carry; the same from 5.10 to 7.x. */
#define TASK_DEAD  0x80
#define TS_COMPAT  0x02
#define PF_KTHREAD 0x00200000

#endif
