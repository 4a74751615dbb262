/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Begin a record, fill it, publish it. Between the two calls no other program may write to the same
 * lane of this CPU (see README.md), so plain stores do: the recorder sees `head` move only after
 * the record's bytes, which x86 orders by itself and barrier() keeps the compiler from reordering.
 */
#ifndef OBSERVE_EMIT_BPF_H
#define OBSERVE_EMIT_BPF_H

#include "maps.bpf.h"

/* The probe's own cost is measured once in so many records; a power of two. */
#define TIMED_EVERY 64

struct emission {
	struct observe_cursor *cursor;
	struct observe_head *head;
};

/*
 * In one instruction, against interrupts and other tasks of this CPU. Spelt out: what compilers
 * make of __sync_fetch_and_add() may return the old value, which 5.10 cannot.
 */
static __always_inline void add_atomically(u64 *value, u64 amount)
{
	asm volatile("lock *(u64 *)(%0 + 0) += %1" ::"r"(value), "r"(amount) : "memory");
}

/* Where the calling program writes; NULL when this CPU has no lanes. */
static __always_inline struct observe_cursor *lane_cursor(u32 cpu, enum observe_lane lane)
{
	u32 index = cpu * OBSERVE_LANES + lane;

	if (index >= OBSERVE_MAX_CPUS * OBSERVE_LANES)
		return NULL;
	return &cursors[index];
}

/*
 * A record with its head filled in, or NULL when the lane is full: that is counted, and takes a
 * sequence number, so that the gap lies between its neighbours. Every byte of the body is the
 * caller's to write: slots hold what was there a round ago.
 */
static __always_inline void *begin_record(struct emission *emission, enum observe_lane lane,
					  enum observe_kind kind, u8 flags)
{
	u64 at = bpf_ktime_get_ns();
	u32 cpu = bpf_get_smp_processor_id();
	struct observe_cursor *cursor = lane_cursor(cpu, lane);
	u32 slots = lane == OBSERVE_LANE_SCHED ? config.sched_slots : config.life_slots;
	struct observe_head *head;
	u64 written;
	u32 slot;

	if (!cursor)
		return NULL;
	written = cursor->head;
	if (written - *(volatile u64 *)&cursor->tail >= slots) {
		add_atomically(&cursor->dropped, 1);
		return NULL;
	}
	slot = cpu * slots + ((u32)written & (slots - 1));
	if (lane == OBSERVE_LANE_SCHED)
		head = bpf_map_lookup_elem(&observe_sched, &slot);
	else
		head = bpf_map_lookup_elem(&observe_life, &slot);
	if (!head) {
		add_atomically(&cursor->dropped, 1);
		return NULL;
	}
	head->at = at;
	head->seq = (u32)(written + cursor->dropped);
	head->cpu = cpu;
	head->kind = kind;
	head->flags = flags;
	emission->cursor = cursor;
	emission->head = head;
	return head;
}

static __always_inline void publish_record(struct emission *emission)
{
	struct observe_cursor *cursor = emission->cursor;
	u64 began = emission->head->at;
	u32 seq = emission->head->seq;

	barrier();
	*(volatile u64 *)&cursor->head = cursor->head + 1;
	if (seq % TIMED_EVERY == 0) {
		cursor->timed++;
		cursor->timed_ns += bpf_ktime_get_ns() - began;
	}
}

#endif
