// A running process that was asked for by its number.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "base/units.h"

namespace observe::app {

struct RunningProcess {
  Pid pid{};
  std::string name;
  UniqueFd end;  // a pidfd: readable when the process has ended
};

// Refuses what cannot be observed as a process, and says what could be instead: no such process,
// a thread of another one, a zombie, a kernel thread, the observer itself.
Result<RunningProcess> open_process(Pid pid);

// What /proc/PID/stat says (proc(5)); nullopt when the text makes no sense.
struct ProcessStat {
  std::string name;  // any bytes
  char state = '?';
  std::uint64_t flags = 0;
};
std::optional<ProcessStat> parse_stat(std::string_view text);

}  // namespace observe::app
