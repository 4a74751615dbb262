#include "workloads/counter/racy.h"

#include <sys/rseq.h>

#include <cstddef>

#include "trace/events.h"

// A cloned function would define the labels twice.
#if defined(__clang__)
#define OBSERVE_ONE_COPY [[gnu::noinline, clang::noduplicate]]
#else
#define OBSERVE_ONE_COPY [[gnu::noinline, gnu::noclone]]
#endif

// A label that C++ can take the address of.
#define OBSERVE_LABEL(name) ".globl " name "\n\t.hidden " name "\n" name ":\n\t"
// Counts %[turns] down from `size`, in a loop aligned like all of them so that a turn costs the
// same in each; `again` and `done` are local labels of the caller's.
#define OBSERVE_COUNT_DOWN(size, again, done) \
  "mov " size                                 \
  ", %[turns]\n\t"                            \
  "test %[turns], %[turns]\n\t"               \
  "jz " done                                  \
  "f\n\t"                                     \
  ".p2align 5\n" again                        \
  ":\n\t"                                     \
  "dec %[turns]\n\t"                          \
  "jnz " again "b\n" done ":\n\t"

#define OBSERVE_HIDDEN extern "C" [[gnu::visibility("hidden")]] const char
OBSERVE_HIDDEN observe_tagged_load[];
OBSERVE_HIDDEN observe_tagged_begin[];
OBSERVE_HIDDEN observe_tagged_store[];
OBSERVE_HIDDEN observe_tagged_end[];
OBSERVE_HIDDEN observe_plain_load[];
OBSERVE_HIDDEN observe_plain_begin[];
OBSERVE_HIDDEN observe_plain_store[];
OBSERVE_HIDDEN observe_plain_end[];
OBSERVE_HIDDEN observe_rseq_load[];
OBSERVE_HIDDEN observe_rseq_begin[];
OBSERVE_HIDDEN observe_rseq_store[];
OBSERVE_HIDDEN observe_rseq_end[];

namespace observe::workloads {
namespace {

static_assert(kCountOne == std::uint64_t{1} << kLostUpdateTagBits);
static_assert(kCountOne == 65536, "the assembly below adds this number");
static_assert(sizeof(CpuCounter) == 64, "the assembly below shifts a CPU number by 6");

std::uint64_t address(const char* label) { return reinterpret_cast<std::uintptr_t>(label); }

struct rseq* rseq_area() {
  return reinterpret_cast<struct rseq*>(static_cast<char*>(__builtin_thread_pointer()) +
                                        __rseq_offset);
}

}  // namespace

OBSERVE_ONE_COPY std::uint64_t tagged_increments(std::uint64_t* word, Turns turns,
                                                 std::uint16_t tag, Overwrite* last) {
  std::uint64_t left = turns.count;
  std::uint64_t loaded = 0;
  std::uint64_t stored = 0;
  std::uint64_t turns_left = 0;
  asm volatile(
      ".p2align 5\n"
      "1:\n\t"  //
      OBSERVE_COUNT_DOWN("%[gap]", "2", "3")
      OBSERVE_LABEL("observe_tagged_load")
      "mov %[word], %[loaded]\n"
      OBSERVE_LABEL("observe_tagged_begin")
      OBSERVE_COUNT_DOWN("%[window]", "4", "5")
      "lea 65536(%[loaded]), %[stored]\n\t"
      "mov %w[tag], %w[stored]\n"
      OBSERVE_LABEL("observe_tagged_store")
      "xchg %[stored], %[word]\n"
      OBSERVE_LABEL("observe_tagged_end")
      "dec %[left]\n\t"
      "cmp %[stored], %[loaded]\n\t"
      "jne 6f\n\t"
      "test %[left], %[left]\n\t"
      "jnz 1b\n"
      "6:"
      : [loaded] "=&r"(loaded), [stored] "=&r"(stored), [turns] "=&r"(turns_left),
        [left] "+&r"(left), [word] "+m"(*word)
      : [window] "r"(turns.window), [gap] "r"(turns.gap), [tag] "r"(tag)
      : "cc");
  *last = {.loaded = loaded, .overwritten = stored};
  return turns.count - left;
}

OBSERVE_ONE_COPY void plain_increments(std::uint64_t* word, Turns turns) {
  std::uint64_t left = turns.count;
  std::uint64_t value = 0;
  std::uint64_t turns_left = 0;
  asm volatile(
      ".p2align 5\n"
      "1:\n\t"  //
      OBSERVE_COUNT_DOWN("%[gap]", "2", "3")
      OBSERVE_LABEL("observe_plain_load")
      "mov %[word], %[value]\n"
      OBSERVE_LABEL("observe_plain_begin")
      OBSERVE_COUNT_DOWN("%[window]", "4", "5")
      "inc %[value]\n"
      OBSERVE_LABEL("observe_plain_store")
      "mov %[value], %[word]\n"
      OBSERVE_LABEL("observe_plain_end")
      "dec %[left]\n\t"
      "jnz 1b\n"
      : [value] "=&r"(value), [turns] "=&r"(turns_left), [left] "+&r"(left), [word] "+m"(*word)
      : [window] "r"(turns.window), [gap] "r"(turns.gap)
      : "cc");
}

bool rseq_registered() { return __rseq_size > 0; }

OBSERVE_ONE_COPY std::uint64_t rseq_increments(CpuCounter* counters, Turns turns, bool* restarted) {
  struct rseq* area = rseq_area();
  auto* critical = reinterpret_cast<std::uint64_t*>(reinterpret_cast<char*>(area) +
                                                    offsetof(struct rseq, rseq_cs));
  const auto* cpu = reinterpret_cast<const std::uint32_t*>(reinterpret_cast<const char*>(area) +
                                                           offsetof(struct rseq, cpu_id));
  std::uint64_t left = turns.count;
  std::uint64_t restarts = 0;
  std::uint64_t value = 0;
  std::uint64_t index = 0;
  std::uint64_t turns_left = 0;
  // The descriptor and the signature before the abort address: rseq(2).
  asm volatile(
      ".pushsection .data.observe_rseq, \"aw\"\n\t"
      ".balign 32\n"
      "observe_rseq_descriptor:\n\t"
      ".long 0, 0\n\t"
      ".quad observe_rseq_load, observe_rseq_end - observe_rseq_load, observe_rseq_abort\n\t"
      ".popsection\n\t"
      ".p2align 5\n"
      "1:\n\t"  //
      OBSERVE_COUNT_DOWN("%[gap]", "2", "3")
      "lea observe_rseq_descriptor(%%rip), %[value]\n\t"
      "mov %[value], %[critical]\n"
      OBSERVE_LABEL("observe_rseq_load")
      "mov %[cpu], %k[index]\n\t"
      "shl $6, %[index]\n\t"
      "mov (%[counters], %[index]), %[value]\n"
      OBSERVE_LABEL("observe_rseq_begin")
      OBSERVE_COUNT_DOWN("%[window]", "4", "5")
      "inc %[value]\n"
      OBSERVE_LABEL("observe_rseq_store")
      "mov %[value], (%[counters], %[index])\n"
      OBSERVE_LABEL("observe_rseq_end")
      "movq $0, %[critical]\n\t"
      "dec %[left]\n\t"
      "jnz 1b\n\t"
      "jmp 6f\n\t"
      ".byte 0x0f, 0xb9, 0x3d\n\t"
      ".long 0x53053053\n"
      "observe_rseq_abort:\n\t"
      "inc %[restarts]\n"
      "6:"
      : [value] "=&r"(value), [index] "=&r"(index), [turns] "=&r"(turns_left), [left] "+&r"(left),
        [restarts] "+&r"(restarts), [critical] "+m"(*critical)
      : [window] "r"(turns.window), [gap] "r"(turns.gap), [counters] "r"(counters), [cpu] "m"(*cpu)
      : "cc", "memory");
  *restarted = restarts != 0;
  return turns.count - left;
}

RacyWindow tagged_window() {
  return {address(observe_tagged_load), address(observe_tagged_begin),
          address(observe_tagged_store), address(observe_tagged_end)};
}

RacyWindow plain_window() {
  return {address(observe_plain_load), address(observe_plain_begin), address(observe_plain_store),
          address(observe_plain_end)};
}

RacyWindow rseq_window() {
  return {address(observe_rseq_load), address(observe_rseq_begin), address(observe_rseq_store),
          address(observe_rseq_end)};
}

}  // namespace observe::workloads
