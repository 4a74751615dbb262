#include "app/process.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"

namespace observe::app {
namespace {

constexpr std::uint64_t kKernelThread = 0x00200000;  // PF_KTHREAD, include/linux/sched.h

std::string read_proc(Pid pid, const char* file) {
  std::ifstream stream(fmt::format("/proc/{}/{}", raw(pid), file), std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// The process that a thread belongs to, from /proc/TID/status.
std::optional<Pid> thread_group(Pid tid) {
  constexpr std::string_view kField = "\nTgid:\t";
  const std::string status = read_proc(tid, "status");
  const std::size_t at = status.find(kField);
  if (at == std::string::npos) return std::nullopt;
  std::uint32_t group = 0;
  const char* begin = status.data() + at + kField.size();
  const auto parsed = std::from_chars(begin, status.data() + status.size(), group);
  return parsed.ec == std::errc() ? std::optional(Pid{group}) : std::nullopt;
}

bool has_ended(const ProcessStat& stat) { return stat.state == 'Z' || stat.state == 'X'; }

// A process whose first thread has ended looks like a zombie and runs on with the others.
bool has_living_thread(Pid pid) {
  std::error_code gone;
  std::filesystem::directory_iterator at(fmt::format("/proc/{}/task", raw(pid)), gone);
  for (; !gone && at != std::filesystem::directory_iterator(); at.increment(gone)) {
    std::ifstream stream(at->path() / "stat", std::ios::binary);
    const auto stat = parse_stat(std::string(std::istreambuf_iterator<char>(stream), {}));
    if (stat && !has_ended(*stat)) return true;
  }
  return false;
}

Error refused(Pid pid, std::string reason, std::string advice = {}) {
  return usage_error(fmt::format("observe process {}", raw(pid)), std::move(reason),
                     std::move(advice));
}

Error not_there(Pid pid) {
  // /proc may hide other users' processes (hidepid); a signal tells whether there is one.
  if (kill(static_cast<pid_t>(raw(pid)), 0) != 0 && errno == ESRCH) {
    return refused(pid, "there is no such process", "see: ps -e");
  }
  return Error{.action = fmt::format("observe process {}", raw(pid)),
               .reason = "/proc does not show it to you",
               .advice = "run with sudo",
               .failure = Failure::kNotAllowed};
}

}  // namespace

std::optional<ProcessStat> parse_stat(std::string_view text) {
  // The name stands in parentheses and may hold parentheses, spaces and newlines itself.
  const std::size_t open = text.find('(');
  const std::size_t close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
    return std::nullopt;
  }
  ProcessStat stat{.name = std::string(text.substr(open + 1, close - open - 1))};
  std::vector<std::string_view> fields;
  std::string_view rest = text.substr(close + 1);
  constexpr std::size_t kFlagsField =
      6;  // behind the name: state ppid pgrp session tty tpgid flags
  while (fields.size() <= kFlagsField) {
    const std::size_t begin = rest.find_first_not_of(" \n");
    if (begin == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(begin);
    fields.push_back(rest.substr(0, rest.find_first_of(" \n")));
    rest.remove_prefix(fields.back().size());
  }
  stat.state = fields[0].front();
  const std::string_view flags = fields[kFlagsField];
  const auto parsed = std::from_chars(flags.data(), flags.data() + flags.size(), stat.flags);
  if (parsed.ec != std::errc() || parsed.ptr != flags.data() + flags.size()) return std::nullopt;
  return stat;
}

Result<RunningProcess> open_process(Pid pid) {
  if (pid == Pid{static_cast<std::uint32_t>(getpid())}) {
    return fail(refused(pid, "that is the observer itself"));
  }
  // The descriptor first: from here on the number cannot come to mean another process.
  RunningProcess process{.pid = pid};
  process.end = UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, raw(pid), 0)));
  const int error = errno;
  const std::optional<ProcessStat> stat = parse_stat(read_proc(pid, "stat"));
  const std::optional<Pid> group = thread_group(pid);
  if (!stat || !group) return fail(not_there(pid));
  if (*group != pid) {
    const std::optional<ProcessStat> owner = parse_stat(read_proc(*group, "stat"));
    return fail(refused(pid,
                        fmt::format("it is a thread of process {} ({})", raw(*group),
                                    text::sanitise(owner ? owner->name : "?")),
                        fmt::format("observe that: --pid {}", raw(*group))));
  }
  if ((stat->flags & kKernelThread) != 0) {
    return fail(refused(pid, fmt::format("{} is a kernel thread", text::sanitise(stat->name)),
                        "observe the whole machine instead: --system"));
  }
  if (has_ended(*stat) && !has_living_thread(pid)) {
    return fail(refused(pid, "it has ended; only its parent has not collected it yet (a zombie)"));
  }
  if (!process.end) {
    return fail(error_from_errno(fmt::format("observe process {}", raw(pid)), error));
  }
  process.name = stat->name;
  return process;
}

}  // namespace observe::app
