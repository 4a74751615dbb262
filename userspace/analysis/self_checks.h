// The trace's numbers against each other and against the kernel's own accounts.
#pragma once

#include <span>
#include <vector>

#include "analysis/kernel_counts.h"
#include "analysis/thread_account.h"
#include "analysis/timelines.h"
#include "report/summary.h"

namespace observe {

// All of them, in the order in which they are printed.
std::vector<report::SelfCheck> self_checks(const Facts& facts, const ThreadAccounts& accounts);

// What the checks of these against the kernel's account found.
report::KernelAgreement kernel_agreement(std::span<const report::SelfCheck> checks);

// Each thread's states add up to its lifetime and tile it without gap or overlap.
report::SelfCheck check_state_sums(const Facts& facts, const ThreadAccounts& accounts);
// No CPU runs two threads at once, counted from the threads' side.
report::SelfCheck check_one_per_cpu(const Facts& facts);
// Every lost event has a place in time.
report::SelfCheck check_loss_placed(const Facts& facts);

// Who leaves a CPU is who was switched in there last: else a record is missing between the two,
// which no loss counter need show. `worst` is the time in doubt, of all CPUs. Time of observed
// threads must not be in doubt.
report::SelfCheck check_switch_chain(const Facts& facts);

// Switch-outs seen = growth of the kernel's nvcsw + nivcsw, per observed thread. Compared by
// counter, not by time: every switch record carries the low 16 bits of its thread's counters, the
// switch itself included, so whether a switch lies between two readings of the kernel needs no
// clock. The readings: the first seed (or zero for a thread born in the trace) and the account at
// the thread's death (or its last seed). Seeds torn while they were read are left out.
report::SelfCheck check_switch_counts(const Facts& facts, const std::vector<CounterWalk>& walks);
// From one record of a thread to the next exactly one counter grows, by one: nvcsw where
// `!preempt && state != 0`, else nivcsw.
report::SelfCheck check_switch_kinds(const Facts& facts, const std::vector<CounterWalk>& walks);

// Time on the CPU against se.sum_exec_runtime, and time waiting against sched_info.run_delay.
//
// Run time: the kernel charges a running thread only at ticks and switches, so each reading of a
// running thread lags by up to a tick; a wake-up preemption is charged from the wake-up on, not
// from the switch, so single threads differ by what the displaced one ran on, and only the sum
// over the threads is promised; and it leaves out interrupt and stolen time where it accounts for
// them, so it may be less than the events show. Failed only where the kernel saw more than them.
// Waiting: no promise, except tightly for CPU-bound threads of one CPU (see kernels, "Run-queue
// wait versus schedstat"): shown, never failed.
report::SelfCheck check_run_time(const Facts& facts);
report::SelfCheck check_run_delay(const Facts& facts);

}  // namespace observe
