#include "trace/task_state.h"

namespace observe {

namespace {

struct Row {
  std::uint32_t bits;
  char letter;
  std::string_view text;
};

// The first row whose bits are all set speaks for the state.
constexpr Row kRows[] = {
    {task_bits::kDead, 'X', "dead"},
    {task_bits::kExitDead, 'X', "dead"},
    {task_bits::kExitZombie, 'Z', "zombie"},
    {task_bits::kUninterruptible | task_bits::kNoLoad, 'I', "idle kernel thread"},
    {task_bits::kFrozen, 'D', "frozen"},
    {task_bits::kParked, 'P', "parked"},
    {task_bits::kTraced, 't', "traced"},
    {task_bits::kStopped, 'T', "stopped"},
    {task_bits::kRtLockWait, 'D', "waiting for a kernel lock"},
    {task_bits::kUninterruptible, 'D', "uninterruptible"},
    {task_bits::kInterruptible, 'S', "sleeping"},
    {task_bits::kNew, 'R', "new"},
    {task_bits::kWaking, 'R', "being woken"},
};

const Row* row_of(RawState state) {
  for (const Row& row : kRows) {
    if (has_bits(state, row.bits)) return &row;
  }
  return nullptr;
}

}  // namespace

char state_letter(RawState state) {
  if (is_runnable(state)) return 'R';
  const Row* row = row_of(state);
  return row != nullptr ? row->letter : '?';
}

std::string state_code(RawState state, bool preempt) {
  if (preempt) return "R+";
  std::string code(1, state_letter(state));
  if (has_bits(state, task_bits::kUninterruptible | task_bits::kWakeKill)) code += 'K';
  return code;
}

std::string_view state_text(RawState state, bool preempt) {
  if (preempt) return "preempted in the kernel";
  if (is_runnable(state)) return "runnable";
  const Row* row = row_of(state);
  if (row == nullptr) return "unknown";
  if (has_bits(state, task_bits::kUninterruptible | task_bits::kWakeKill)) {
    return "uninterruptible, can be killed";
  }
  return row->text;
}

}  // namespace observe
