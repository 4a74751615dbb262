#include "capture/bpf/embedded_object.h"

#include "base/check.h"

// The assembler copies the files in: no generated source, and it works in a static build.
// OBSERVE_BPF_OBJECT is the path of the objects without .NUMBER.o, set by CMake, which also makes
// this file depend on them. ELF needs its headers aligned.
#define OBSERVE_EMBED(number)                                   \
  asm(".pushsection .rodata, \"a\", @progbits\n"                \
      ".balign 16\n"                                            \
      "observe_probes_" #number                                 \
      "_begin:\n"                                               \
      ".incbin \"" OBSERVE_BPF_OBJECT "." #number               \
      ".o\"\n"                                                  \
      "observe_probes_" #number                                 \
      "_end:\n"                                                 \
      ".byte 0\n"                                               \
      ".popsection\n");                                         \
  extern "C" const std::byte observe_probes_##number##_begin[]; \
  extern "C" const std::byte observe_probes_##number##_end[]

OBSERVE_EMBED(0);
OBSERVE_EMBED(1);
OBSERVE_EMBED(2);

namespace observe {

std::span<const std::byte> embedded_object(PreemptCount preempt_count) {
  switch (preempt_count) {
    case PreemptCount::kHidden:
      return {observe_probes_0_begin, observe_probes_0_end};
    case PreemptCount::kVariable:
      return {observe_probes_1_begin, observe_probes_1_end};
    case PreemptCount::kInPcpuHot:
      return {observe_probes_2_begin, observe_probes_2_end};
  }
  check_failed("preempt_count is in one of these places", std::source_location::current());
}

}  // namespace observe
