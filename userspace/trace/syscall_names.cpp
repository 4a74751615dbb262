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

}  // namespace

std::string_view syscall_name(Syscall call, bool compat) {
  // x32 calls are numbered as the 64-bit ones, with bit 30 set.
  constexpr std::int32_t kX32Bit = 0x4000'0000;
  if (compat) return name_in(std::begin(k32), std::end(k32), raw(call));
  const std::int32_t number = raw(call) < 0 ? raw(call) : raw(call) & ~kX32Bit;
  return name_in(std::begin(k64), std::end(k64), number);
}

}  // namespace observe
