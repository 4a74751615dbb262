// What this kernel and this process may do, asked without BPF.
#pragma once

#include <string>

namespace observe {

// The kernel's lockdown: "none", "integrity", "confidentiality", or "unknown" where it does not
// say.
std::string read_lockdown();

// Which capabilities loading probes takes and the calling thread lacks, in words; empty: none.
std::string missing_bpf_capabilities();

}  // namespace observe
