#include "capture/bpf/embedded_object.h"

// The assembler copies the file in: no generated source, and it works in a static build.
// OBSERVE_BPF_OBJECT is its path, set by CMake, which also makes this file depend on it. ELF needs
// its headers aligned.
asm(".pushsection .rodata, \"a\", @progbits\n"
    ".balign 16\n"
    "observe_probes_begin:\n"
    ".incbin \"" OBSERVE_BPF_OBJECT
    "\"\n"
    "observe_probes_end:\n"
    ".byte 0\n"
    ".popsection\n");

extern "C" {
extern const std::byte observe_probes_begin[];
extern const std::byte observe_probes_end[];
}

namespace observe {

std::span<const std::byte> embedded_object() { return {observe_probes_begin, observe_probes_end}; }

}  // namespace observe
