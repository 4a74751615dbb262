// Task states and system calls by name.
#include "support/catch.h"
#include "trace/syscall_names.h"
#include "trace/task_state.h"

namespace observe {

TEST_CASE("states are decoded by their bits, as the kernel's own encoding has them") {
  struct Row {
    std::uint32_t bits;
    const char* code;
  };
  const Row rows[] = {
      {0x0000, "R"}, {0x0001, "S"}, {0x2001, "S"}, {0x0002, "D"}, {0x0102, "DK"},
      {0x0402, "I"}, {0x0004, "T"}, {0x0104, "T"}, {0x0008, "t"}, {0x0108, "t"},
      {0x0040, "P"}, {0x0080, "X"}, {0x0010, "X"}, {0x0020, "Z"}, {0x1002, "D"},
      {0x8000, "D"}, {0x2002, "D"}, {0x0800, "R"}, {0x0200, "R"}, {0x40000, "?"},
  };
  for (const Row& row : rows) {
    INFO("state " << row.bits);
    CHECK(state_code(RawState{row.bits}, false) == row.code);
  }
  CHECK(state_code(RawState{1}, true) == "R+");
  CHECK(state_text(RawState{0}, false) == "runnable");
  CHECK(state_text(RawState{0x102}, false) == "uninterruptible, can be killed");
}

TEST_CASE("system calls have their names in either ABI") {
  CHECK(syscall_name(Syscall{202}, false) == "futex");
  CHECK(syscall_name(Syscall{240}, true) == "futex");
  CHECK(syscall_name(Syscall{0}, false) == "read");
  CHECK(syscall_name(Syscall{0}, true) == "restart_syscall");
  CHECK(syscall_name(Syscall{469}, false) == "file_setattr");
  CHECK(syscall_name(Syscall{202 | 0x4000'0000}, false) == "futex");  // x32
}

TEST_CASE("what is no system call has no name") {
  CHECK(is_sched_yield(Syscall{24}, false));
  CHECK(is_sched_yield(Syscall{24 | 0x4000'0000}, false));  // x32
  CHECK(is_sched_yield(Syscall{158}, true));
  CHECK_FALSE(is_sched_yield(Syscall{24}, true));
  CHECK_FALSE(is_sched_yield(Syscall{158}, false));
  CHECK_FALSE(is_sched_yield(kNoSyscall, false));
  CHECK(syscall_name(kNoSyscall, false).empty());
  CHECK(syscall_name(kNoSyscall, true).empty());
  CHECK(syscall_name(Syscall{400}, false).empty());
  CHECK(syscall_name(Syscall{INT32_MAX}, false).empty());
  CHECK(syscall_name(Syscall{INT32_MIN}, true).empty());
}

}  // namespace observe
