// What the running kernel's BTF says about it: how the probes must be set up before load.
#pragma once

#include "base/result.h"
#include "observe/wire.h"

namespace observe {

// Where preempt_count, which tells interrupts from threads, can be read; the numbers are those of
// bpf/wakeup.bpf.c.
enum class PreemptCount { kHidden = 0, kVariable = 1, kInPcpuHot = 2 };

struct KernelFacts {
  observe_switch_order switch_order = OBSERVE_SWITCH_STATE_LAST;
  PreemptCount preempt_count = PreemptCount::kHidden;
  bool wide_preempt_count = false;  // interrupt-disable depth has bits of its own: 7.3 and later
  bool has_registers_helper = false;
};

Result<KernelFacts> read_kernel_facts();

}  // namespace observe
