// What the observer keeps of its privileges once the probes are attached.
#pragma once

#include "base/privileges.h"
#include "base/result.h"

namespace observe {

// What is still needed until Capture::stop() has returned, and why:
//   CAP_BPF   before 5.19 even a question about one's own programs takes it (missed probe runs)
//   CAP_KILL  the target runs as the calling user and is ended by the observer
// All others are over: reading the lanes is reading memory, the walks over all threads are open
// descriptors, detaching is closing some, and output files are open.
CapabilitySet capabilities_until_stop();

// Gives up all others, but for those in `kept`, in the calling thread and in those that it makes
// later. For after Capture::start(), whose own threads give up everything by themselves.
Result<void> drop_capabilities(CapabilitySet kept = 0);

}  // namespace observe
