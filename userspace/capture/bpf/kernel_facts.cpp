#include "capture/bpf/kernel_facts.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <linux/bpf.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <string_view>

#include "base/fd.h"

namespace observe {
namespace {

constexpr const char* kKernelBtf = "/sys/kernel/btf/vmlinux";

using Btf = std::unique_ptr<btf, decltype(&btf__free)>;

bool has_type(const btf* types, const char* name, std::uint32_t kind) {
  return btf__find_by_name_kind(types, name, kind) > 0;
}

// The tracepoint's prototype in BTF: typedef → pointer → function. Its parameters are void *__data,
// bool preempt, then two tasks and, where there is one, the integer prev_state. Which kernel has
// what was decided more than once and then backported, so the version does not tell.
std::optional<observe_switch_order> switch_order(const btf* types) {
  const int id = btf__find_by_name_kind(types, "btf_trace_sched_switch", BTF_KIND_TYPEDEF);
  if (id < 0) return std::nullopt;
  const btf_type* pointer = btf__type_by_id(types, btf__type_by_id(types, id)->type);
  if (pointer == nullptr || !btf_is_ptr(pointer)) return std::nullopt;
  const btf_type* function = btf__type_by_id(types, pointer->type);
  if (function == nullptr || !btf_is_func_proto(function)) return std::nullopt;
  const btf_param* parameters = btf_params(function);
  const int count = btf_vlen(function);
  const auto is_integer = [&](int parameter) {
    const int type = btf__resolve_type(types, parameters[parameter].type);
    return type > 0 && btf_is_int(btf__type_by_id(types, type));
  };
  if (count == 4) return OBSERVE_SWITCH_STATE_NONE;
  if (count == 5 && is_integer(2)) return OBSERVE_SWITCH_STATE_SECOND;
  if (count == 5 && is_integer(4)) return OBSERVE_SWITCH_STATE_LAST;
  return std::nullopt;
}

// BTF names per-CPU variables that BPF still cannot reach: their addresses come from kallsyms,
// which holds no data without CONFIG_KALLSYMS_ALL. A program of three instructions asks the kernel
// itself.
bool is_reachable(const btf* types, const char* variable) {
  const int id = btf__find_by_name_kind(types, variable, BTF_KIND_VAR);
  if (id < 0) return false;
  const bpf_insn program[] = {
      {.code = BPF_LD | BPF_DW | BPF_IMM,
       .dst_reg = BPF_REG_1,
       .src_reg = BPF_PSEUDO_BTF_ID,
       .off = 0,
       .imm = id},
      {.code = 0, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .src_reg = 0, .off = 0, .imm = 0},
      {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
  };
  return bool(UniqueFd(bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "observe_ask", "Dual MIT/GPL",
                                     program, std::size(program), nullptr)));
}

bool has_enum_value(const btf* types, const char* enumeration, std::string_view value) {
  const int id = btf__find_by_name_kind(types, enumeration, BTF_KIND_ENUM);
  if (id < 0) return false;
  const btf_type* type = btf__type_by_id(types, id);
  for (int i = 0; i < btf_vlen(type); ++i) {
    if (btf__name_by_offset(types, btf_enum(type)[i].name_off) == value) return true;
  }
  return false;
}

}  // namespace

Result<KernelFacts> read_kernel_facts() {
  const Btf types(btf__parse(kKernelBtf, nullptr), &btf__free);
  if (types == nullptr) {
    Error error = error_from_errno(
        "read the kernel's type information", errno,
        std::string(kKernelBtf) +
            " is needed: a kernel built with CONFIG_DEBUG_INFO_BTF=y, as "
            "those of Debian since 11, Ubuntu since 20.10 and Fedora since 31 are");
    error.failure = Failure::kNotAllowed;
    return fail(std::move(error));
  }
  KernelFacts facts;
  const std::optional<observe_switch_order> order = switch_order(types.get());
  if (!order) {
    return fail(Error{.action = "understand this kernel's sched_switch tracepoint",
                      .reason = "its arguments are not those of any known kernel",
                      .advice = "this version of observe may be too old for this kernel",
                      .failure = Failure::kNotAllowed});
  }
  facts.switch_order = *order;
  if (is_reachable(types.get(), "__preempt_count")) {
    facts.preempt_count = PreemptCount::kVariable;
  } else if (is_reachable(types.get(), "pcpu_hot")) {
    facts.preempt_count = PreemptCount::kInPcpuHot;
  }
  facts.wide_preempt_count = has_type(types.get(), "local_interrupt_disable_state", BTF_KIND_VAR);
  facts.has_registers_helper = has_enum_value(types.get(), "bpf_func_id", "BPF_FUNC_task_pt_regs");
  return facts;
}

}  // namespace observe
