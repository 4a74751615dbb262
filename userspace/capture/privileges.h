// What the observer keeps of its privileges once the probes are attached.
#pragma once

#include "base/identity.h"
#include "base/privileges.h"
#include "base/result.h"

namespace observe {

// What is still needed, and why:
//   CAP_SETUID, CAP_SETGID  files made at the end are created as the calling user (AsUser)
//   CAP_KILL                a workload that runs as the calling user is ended by root
//   CAP_BPF                 before 5.19: asking the kernel for missed probe runs at the end
//   CAP_DAC_OVERRIDE        only when root itself is the user: its files may be in anyone's folder
// Attaching, CAP_PERFMON, CAP_SYS_ADMIN, CAP_SYS_NICE, CAP_SYS_PTRACE and all others are over then:
// reading the rings is reading memory, the walks over all threads are open descriptors, and
// detaching is closing some.
CapabilitySet capabilities_until_stop(const Identity& user);

// Gives up all others in the calling thread; to be called after Capture::start(), whose own threads
// give up everything by themselves, and before further threads are made.
Result<void> drop_capabilities(const Identity& user);

}  // namespace observe
