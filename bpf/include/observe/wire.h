/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The contract between the probes and userspace: record layouts, kinds and the
 * shared control structures. Numbers are never reused; a retired kind leaves a hole.
 * Included by BPF C (clang, no libc) and by C++.
 */
#ifndef OBSERVE_WIRE_H
#define OBSERVE_WIRE_H

#include <linux/types.h>

#ifdef __cplusplus
#define OBSERVE_ASSERT_SIZE(type, size) static_assert(sizeof(type) == (size), #type)
#else
#define OBSERVE_ASSERT_SIZE(type, size) _Static_assert(sizeof(type) == (size), #type)
#endif

#define OBSERVE_MAX_CPUS 1024
#define OBSERVE_COMM_LEN 16

/*
 * One kind of record per kernel fact. All records are 48 bytes; the first 16 are
 * struct observe_head, the rest depends on the kind.
 */
enum observe_kind {
	OBSERVE_KIND_NONE = 0,
	OBSERVE_KIND_SWITCH = 1,     /* sched_switch */
	OBSERVE_KIND_WAKING = 2,     /* sched_waking: in the waker's context */
	OBSERVE_KIND_WAKEUP = 3,     /* sched_wakeup: on a run queue */
	OBSERVE_KIND_WAKEUP_NEW = 4, /* sched_wakeup_new: a new thread on a run queue */
	OBSERVE_KIND_MIGRATE = 5,    /* sched_migrate_task */
	OBSERVE_KIND_FORK = 6,	     /* sched_process_fork: process or thread */
	OBSERVE_KIND_NAME = 7,	     /* the name of a thread, at fork, exec and rename */
	OBSERVE_KIND_EXEC = 8,	     /* sched_process_exec */
	OBSERVE_KIND_EXIT = 9,	     /* sched_process_exit: dying, not yet switched out */
	OBSERVE_KIND_ACCOUNT = 10,   /* the kernel's account of a thread, at its last switch-out */
	OBSERVE_KIND_MARK = 11,	     /* a program came to a place that it marked (USDT) */
	OBSERVE_KIND_END,	     /* one past the newest kind */
};

/* Bits of observe_head.flags; what they say depends on the kind. */
#define OBSERVE_SWITCH_PREEMPT 0x01 /* the tracepoint's preempt argument */
#define OBSERVE_SWITCH_KERNEL  0x02 /* prev has no user registers (kernel or io thread) */
#define OBSERVE_SWITCH_COMPAT  0x04 /* syscall is a 32-bit system call number */
#define OBSERVE_WAKE_HARDIRQ   0x01 /* woken from a hardware interrupt */
#define OBSERVE_WAKE_SOFTIRQ   0x02 /* woken from a software interrupt */
#define OBSERVE_WAKE_CONTEXT   0x04 /* the two bits above are known on this kernel */
#define OBSERVE_FORK_THREAD    0x01 /* the child shares the parent's thread group */
#define OBSERVE_FORK_KERNEL    0x02 /* the child is a kernel thread */
#define OBSERVE_NAME_FORK      0x01
#define OBSERVE_NAME_EXEC      0x02
#define OBSERVE_NAME_RENAME    0x03

struct observe_head {
	__u64 at;  /* CLOCK_MONOTONIC, ns */
	__u32 seq; /* counts the records of one CPU and one lane, dropped ones too */
	__u16 cpu;
	__u8 kind; /* enum observe_kind */
	__u8 flags;
};
OBSERVE_ASSERT_SIZE(struct observe_head, 16);

struct observe_switch {
	struct observe_head head;
	__u32 prev; /* tid; 0 is the idle task of head.cpu */
	__u32 next;
	__u64 user_ip;	  /* prev's user instruction pointer; 0 without user registers */
	__s32 syscall;	  /* prev's orig_ax: a system call, or -1: an interrupt or exception */
	__u16 prev_state; /* as the tracepoint passes it (raw __state bits), 0: runnable */
	__s16
	    prev_prio; /* kernel priority: -1 deadline, 0..99 real-time, 100..139 fair, 140 idle */
	__s16 next_prio;
	__u16 reserved;
	__u16 nvcsw;  /* low 16 bits of prev's counters, this switch included: */
	__u16 nivcsw; /* consecutive records of a thread must add one to their sum */
};
OBSERVE_ASSERT_SIZE(struct observe_switch, 48);

/* WAKING, WAKEUP, WAKEUP_NEW, MIGRATE */
struct observe_wake {
	struct observe_head head;
	__u32 tid; /* the thread woken or moved */
	__u32 by;  /* tid of the current task */
	__s32 prio;
	__u32 from_cpu; /* WAKING and MIGRATE: the CPU it was on; WAKEUP*: same as to_cpu */
	__u32 to_cpu;	/* WAKEUP*: the CPU it is queued on; MIGRATE: where it goes */
	__u32 reserved[3];
};
OBSERVE_ASSERT_SIZE(struct observe_wake, 48);

struct observe_fork {
	struct observe_head head;
	__u32 child;
	__u32 child_tgid;
	__u32 parent; /* tid of the forking thread */
	__u32 reserved;
	__u64 child_start; /* task_struct.start_boottime or start_time, ns */
	__u64 reserved2;
};
OBSERVE_ASSERT_SIZE(struct observe_fork, 48);

struct observe_name {
	struct observe_head head;
	__u32 tid;
	__u32 tgid;
	char comm[OBSERVE_COMM_LEN]; /* any bytes, NUL-terminated unless 16 long */
	__u64 reserved;
};
OBSERVE_ASSERT_SIZE(struct observe_name, 48);

/* EXEC and EXIT */
struct observe_life {
	struct observe_head head;
	__u32 tid;
	__u32 tgid;
	__u32 old_tid;	 /* EXEC: the tid before; differs when a non-leader thread calls exec */
	__s32 exit_code; /* EXIT: as in wait(2) */
	__u64 reserved[2];
};
OBSERVE_ASSERT_SIZE(struct observe_life, 48);

struct observe_account {
	struct observe_head head;
	__u32 tid;
	__u32 nvcsw; /* low 32 bits, the last switch-out included */
	__u32 nivcsw;
	__u32 reserved;
	__u64 run_ns;	    /* se.sum_exec_runtime */
	__u64 run_delay_ns; /* sched_info.run_delay; ~0 where the kernel keeps none */
};
OBSERVE_ASSERT_SIZE(struct observe_account, 48);

struct observe_mark {
	struct observe_head head;
	__u32 tid;
	__u16 mark; /* the number that the recorder gave to this place */
	__u16 reserved;
	__u64 a; /* the first two arguments, 0 where there are none */
	__u64 b;
	__u64 reserved2;
};
OBSERVE_ASSERT_SIZE(struct observe_mark, 48);

struct observe_record {
	struct observe_head head;
	__u64 body[4];
};
OBSERVE_ASSERT_SIZE(struct observe_record, 48);

/*
 * Each CPU has two lanes. The scheduler lane is written with interrupts off (run-queue or
 * pi lock held); the lifecycle lane by tracepoints in task context, which an interrupt may
 * cut short. So no two writers ever meet in one lane and plain stores suffice; bpf/README.md
 * says why, and what real-time kernels change about it.
 */
enum observe_lane {
	OBSERVE_LANE_SCHED = 0,
	OBSERVE_LANE_LIFE = 1,
	OBSERVE_LANES = 2,
};

/* One lane of one CPU. The probe owns the first cache line, the recorder the second. */
struct observe_cursor {
	__u64 head;	  /* records written */
	__u64 dropped;	  /* records that found the lane full; they take a seq too */
	__u64 timed;	  /* records whose own cost was measured (one in 64) */
	__u64 timed_ns;	  /* and the sum of it */
	__u64 self_wakes; /* sched_waking of the current task: not recorded, starts nothing */
	__u64 writers;	  /* programs inside the lifecycle lane: only the first may write */
	__u64 reserved[2];
	__u64 tail; /* records taken by the recorder */
	__u64 reserved2[7];
};
OBSERVE_ASSERT_SIZE(struct observe_cursor, 128);

/* Set once, before load, as read-only data. */
struct observe_config {
	__u32 sched_slots; /* records per CPU in the scheduler lane, a power of two */
	__u32 life_slots;  /* records per CPU in the lifecycle lane, a power of two */
	__u32 possible_cpus;
	__u8 switch_order;	 /* enum observe_switch_order */
	__u8 wide_preempt_count; /* the interrupt bits of preempt_count moved up: 7.3 and later */
	__u8 reserved[2];
};
OBSERVE_ASSERT_SIZE(struct observe_config, 16);

/* Arguments of the running kernel's sched_switch, found in its BTF. */
enum observe_switch_order {
	OBSERVE_SWITCH_STATE_LAST = 0,	 /* preempt, prev, next, prev_state: 5.19 and later */
	OBSERVE_SWITCH_STATE_SECOND = 1, /* preempt, prev_state, prev, next: 5.18.0 only */
	OBSERVE_SWITCH_STATE_NONE = 2,	 /* preempt, prev, next: before 5.18 */
};

/* One thread as the task iterator sees it: at the start and at the end of the window. */
struct observe_seed {
	__u64 at;	    /* CLOCK_MONOTONIC, ns, read after the other fields */
	__u64 start_time;   /* as observe_fork.child_start */
	__u64 run_ns;	    /* se.sum_exec_runtime */
	__u64 run_delay_ns; /* ~0 where the kernel keeps none */
	__u64 user_ip;
	__u64 nvcsw;
	__u64 nivcsw;
	__u64 slice_ns; /* se.slice; 0 where the kernel has none */
	__u32 tid;
	__u32 tgid;
	__u32 ppid;  /* tgid of the real parent */
	__u32 state; /* raw __state */
	__s32 syscall;
	__s32 prio;
	__u32 policy;
	__u16 cpu;
	__u8 flags; /* OBSERVE_SEED_* */
	__u8 reserved;
	char comm[OBSERVE_COMM_LEN];
};
OBSERVE_ASSERT_SIZE(struct observe_seed, 112);

#define OBSERVE_SEED_ON_CPU  0x01
#define OBSERVE_SEED_QUEUED  0x02 /* on a run queue (on_rq), running or not */
#define OBSERVE_SEED_DELAYED 0x04 /* asleep, but its dequeue is delayed (EEVDF) */
#define OBSERVE_SEED_KERNEL  0x08
#define OBSERVE_SEED_COMPAT  0x10
#define OBSERVE_SEED_TORN    0x20 /* the counters changed while they were read */

#endif
