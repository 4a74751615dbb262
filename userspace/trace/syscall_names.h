// What the numbers of system calls mean.
#pragma once

#include <string_view>

#include "trace/events.h"

namespace observe {

// "futex", "sched_yield"…: by the x86-64 numbers (arch/x86/entry/syscalls/syscall_64.tbl), or by
// the i386 ones for a 32-bit call. Empty for kNoSyscall and for numbers without a name.
std::string_view syscall_name(Syscall call, bool compat);

bool is_sched_yield(Syscall call, bool compat);

}  // namespace observe
