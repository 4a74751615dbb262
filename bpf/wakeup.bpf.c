/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* sched_waking (the waker decides) and sched_wakeup, sched_wakeup_new (on a run queue). */
#include "emit.bpf.h"
#include "task.bpf.h"

/*
 * preempt_count of this CPU, which tells interrupts from threads: `__preempt_count`, or from 6.2 to
 * 6.14 a member of `pcpu_hot`. A kernel built without KALLSYMS_ALL gives neither to BPF, and an
 * object that names a symbol which is not there loads with full privileges only (libbpf looks for
 * it in all modules). So there are three objects, of which the loader takes one.
 */
#define PREEMPT_COUNT_HIDDEN   0
#define PREEMPT_COUNT_VARIABLE 1
#define PREEMPT_COUNT_PCPU_HOT 2

#if OBSERVE_PREEMPT_COUNT == PREEMPT_COUNT_VARIABLE
extern const int __preempt_count __ksym;
#elif OBSERVE_PREEMPT_COUNT == PREEMPT_COUNT_PCPU_HOT
extern const struct pcpu_hot___6_2 pcpu_hot __ksym;
#endif

/*
 * Eight bits of preemption depth (the tracepoint and the locks held count there, and do not
 * matter), eight of softirq depth, whose lowest means that one is being served, then hard
 * interrupts and NMIs; 7.3 put eight bits of interrupt-disable depth before these. On a real-time
 * kernel softirqs and most interrupt handlers are threads, and are reported as such.
 */
#define SOFTIRQ_SERVED	    0x00000100
#define HARDIRQ_OR_NMI	    0x00ff0000
#define HARDIRQ_OR_NMI_WIDE 0x1f000000

static __always_inline u8 wake_context(void)
{
#if OBSERVE_PREEMPT_COUNT == PREEMPT_COUNT_HIDDEN
	return 0;
#else
#if OBSERVE_PREEMPT_COUNT == PREEMPT_COUNT_VARIABLE
	u32 preempt_count = *(const int *)bpf_this_cpu_ptr(&__preempt_count);
#else
	const struct pcpu_hot___6_2 *hot = bpf_this_cpu_ptr(&pcpu_hot);
	u32 preempt_count = hot->preempt_count;
#endif
	u32 hard = config.wide_preempt_count ? HARDIRQ_OR_NMI_WIDE : HARDIRQ_OR_NMI;

	if (preempt_count & hard)
		return OBSERVE_WAKE_CONTEXT | OBSERVE_WAKE_HARDIRQ;
	if (preempt_count & SOFTIRQ_SERVED)
		return OBSERVE_WAKE_CONTEXT | OBSERVE_WAKE_SOFTIRQ;
	return OBSERVE_WAKE_CONTEXT;
#endif
}

/* The tid of the current task. By number, for 5.10 has no typed pointer to the current task. */
static __always_inline u32 current_tid(void)
{
	return (u32)bpf_get_current_pid_tgid();
}

static __always_inline void emit_wake(enum observe_kind kind, u8 flags, struct task_struct *task,
				      u32 by)
{
	struct emission emission;
	struct observe_wake *wake;

	wake = begin_record(&emission, OBSERVE_LANE_SCHED, kind, flags);
	if (!wake)
		return;
	wake->tid = task->pid;
	wake->by = by;
	wake->prio = task->prio;
	wake->from_cpu = task_cpu(task);
	wake->to_cpu = wake->from_cpu;
	wake->reserved[0] = 0;
	wake->reserved[1] = 0;
	wake->reserved[2] = 0;
	publish_record(&emission);
}

static __always_inline void count_self_wake(void)
{
	struct observe_cursor *cursor = lane_cursor(bpf_get_smp_processor_id(), OBSERVE_LANE_SCHED);

	/* An interrupt may come between load and store here. */
	if (cursor)
		add_atomically(&cursor->self_wakes, 1);
}

/*
 * A task about to sleep that is woken before it is switched out finds itself runnable again: that
 * starts no wait, and is the only case in which the kernel comes here with interrupts on.
 */
SEC("tp_btf/sched_waking")
int observe_waking(u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	u32 by = current_tid();

	if (task->pid == by)
		count_self_wake();
	else
		emit_wake(OBSERVE_KIND_WAKING, wake_context(), task, by);
	return 0;
}

SEC("tp_btf/sched_wakeup")
int observe_wakeup(u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	u32 by = current_tid();

	if (task->pid != by)
		emit_wake(OBSERVE_KIND_WAKEUP, 0, task, by);
	return 0;
}

SEC("tp_btf/sched_wakeup_new")
int observe_wakeup_new(u64 *ctx)
{
	emit_wake(OBSERVE_KIND_WAKEUP_NEW, 0, (void *)ctx[0], current_tid());
	return 0;
}
