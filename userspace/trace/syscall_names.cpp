#include "trace/syscall_names.h"

#include <algorithm>
#include <iterator>

namespace observe {

namespace {

struct Row {
  std::int32_t number;
  std::string_view name;
};

// Checked in, so that a build on an older system knows the newest names too.
constexpr Row k64[] = {
#include "trace/syscalls_64.inc"
};
constexpr Row k32[] = {
#include "trace/syscalls_32.inc"
};

static_assert(std::ranges::is_sorted(k64, {}, &Row::number));
static_assert(std::ranges::is_sorted(k32, {}, &Row::number));

std::string_view name_in(const Row* begin, const Row* end, std::int32_t number) {
  const Row* row = std::ranges::lower_bound(begin, end, number, {}, &Row::number);
  return row != end && row->number == number ? row->name : std::string_view{};
}

// x32 calls are numbered as the 64-bit ones, with bit 30 set.
std::int32_t number_64(Syscall call) {
  constexpr std::int32_t kX32Bit = 0x4000'0000;
  return raw(call) < 0 ? raw(call) : raw(call) & ~kX32Bit;
}

}  // namespace

std::string_view syscall_name(Syscall call, bool compat) {
  if (compat) return name_in(std::begin(k32), std::end(k32), raw(call));
  return name_in(std::begin(k64), std::end(k64), number_64(call));
}

bool is_sched_yield(Syscall call, bool compat) {
  constexpr std::int32_t kSchedYield64 = 24;
  constexpr std::int32_t kSchedYield32 = 158;
  return compat ? raw(call) == kSchedYield32 : number_64(call) == kSchedYield64;
}

}  // namespace observe
