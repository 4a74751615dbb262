// The compiled probes, part of the program.
#pragma once

#include <cstddef>
#include <span>

#include "capture/bpf/kernel_facts.h"

namespace observe {

// The object for kernels whose preempt_count is found there.
std::span<const std::byte> embedded_object(PreemptCount preempt_count);

}  // namespace observe
