#include "analysis/blocking.h"

#include <algorithm>
#include <map>

#include "trace/syscall_names.h"
#include "trace/task_state.h"

namespace observe {
namespace {

struct ClassRow {
  std::string_view call;
  BlockClass block_class;
};

// Calls whose name alone tells. The i386 names with 64-bit times end in _time64.
constexpr ClassRow kCalls[] = {
    {"futex", BlockClass::kFutex},
    {"futex_time64", BlockClass::kFutex},
    {"futex_wait", BlockClass::kFutex},
    {"futex_waitv", BlockClass::kFutex},
    {"nanosleep", BlockClass::kSleep},
    {"clock_nanosleep", BlockClass::kSleep},
    {"clock_nanosleep_time64", BlockClass::kSleep},
    {"poll", BlockClass::kPoll},
    {"ppoll", BlockClass::kPoll},
    {"ppoll_time64", BlockClass::kPoll},
    {"select", BlockClass::kPoll},
    {"_newselect", BlockClass::kPoll},
    {"pselect6", BlockClass::kPoll},
    {"pselect6_time64", BlockClass::kPoll},
    {"epoll_wait", BlockClass::kPoll},
    {"epoll_pwait", BlockClass::kPoll},
    {"epoll_pwait2", BlockClass::kPoll},
    {"io_getevents", BlockClass::kPoll},
    {"io_uring_enter", BlockClass::kPoll},
    {"accept", BlockClass::kPipe},
    {"accept4", BlockClass::kPipe},
    {"connect", BlockClass::kPipe},
    {"socketcall", BlockClass::kPipe},
    {"sendto", BlockClass::kPipe},
    {"sendmsg", BlockClass::kPipe},
    {"sendmmsg", BlockClass::kPipe},
    {"recvfrom", BlockClass::kPipe},
    {"recvmsg", BlockClass::kPipe},
    {"recvmmsg", BlockClass::kPipe},
    {"splice", BlockClass::kPipe},
    {"wait4", BlockClass::kChild},
    {"waitid", BlockClass::kChild},
    {"waitpid", BlockClass::kChild},
    {"vfork", BlockClass::kChild},
    {"exit", BlockClass::kExit},
    {"exit_group", BlockClass::kExit},
    {"fsync", BlockClass::kIo},
    {"fdatasync", BlockClass::kIo},
    {"sync", BlockClass::kIo},
    {"syncfs", BlockClass::kIo},
    {"msync", BlockClass::kIo},
    {"sync_file_range", BlockClass::kIo},
};

// Calls that sleep uninterruptibly for a disk and interruptibly for a pipe, socket or terminal.
constexpr std::string_view kTransfers[] = {"read",    "write",    "readv",   "writev",
                                           "pread64", "pwrite64", "preadv",  "pwritev",
                                           "preadv2", "pwritev2", "sendfile"};

BlockClass class_of(std::string_view call, RawState state) {
  if (const auto row = std::ranges::find(kCalls, call, &ClassRow::call); row != std::end(kCalls)) {
    return row->block_class;
  }
  const bool uninterruptible = has_bits(state, task_bits::kUninterruptible);
  if (std::ranges::find(kTransfers, call) != std::end(kTransfers)) {
    return uninterruptible ? BlockClass::kIo : BlockClass::kPipe;
  }
  return BlockClass::kOther;
}

// What distinguishes two reasons, small enough to compare per interval.
struct Key {
  Syscall syscall;
  RawState state;
  bool compat;
  bool kernel_thread;
  bool operator==(const Key&) const = default;
};

struct Keyed {
  Key key;
  const Interval* example;
  Nanos time{};
  std::uint64_t count = 0;
  const Interval* longest;
};

void add(std::map<std::pair<std::string, BlockClass>, Blocking>& into, const Blocking& one) {
  Blocking& sum = into[{one.reason.name, one.reason.block_class}];
  sum.reason = one.reason;
  sum.time += one.time;
  sum.count += one.count;
  if (one.longest > sum.longest) {
    sum.longest = one.longest;
    sum.longest_end = one.longest_end;
  }
}

std::vector<Blocking> longest_first(
    std::map<std::pair<std::string, BlockClass>, Blocking>&& by_reason) {
  std::vector<Blocking> result;
  for (auto& [key, blocking] : by_reason) result.push_back(std::move(blocking));
  std::ranges::stable_sort(result, std::greater{}, &Blocking::time);
  return result;
}

}  // namespace

std::string_view block_class_text(BlockClass block_class) {
  switch (block_class) {
    case BlockClass::kFutex:
      return "a lock, a condition or a join (futex)";
    case BlockClass::kSleep:
      return "a sleep until a time";
    case BlockClass::kPoll:
      return "files to become ready";
    case BlockClass::kPipe:
      return "a pipe, a socket or a terminal";
    case BlockClass::kIo:
      return "disk I/O";
    case BlockClass::kChild:
      return "a child process";
    case BlockClass::kExit:
      return "the end of the thread";
    case BlockClass::kKernel:
      return "kernel work";
    case BlockClass::kOther:
      break;
  }
  return "something else";
}

BlockReason block_reason(const Interval& interval) {
  if (interval.kernel_thread) return {"kernel thread", BlockClass::kKernel};
  if (has_bits(interval.raw_state, task_bits::kStopped)) return {"stopped", BlockClass::kOther};
  if (has_bits(interval.raw_state, task_bits::kTraced)) return {"traced", BlockClass::kOther};
  if (interval.syscall == kNoSyscall) {
    // An exception sleeps for a page; an interrupt cannot sleep.
    const bool uninterruptible = has_bits(interval.raw_state, task_bits::kUninterruptible);
    return {"page fault", uninterruptible ? BlockClass::kIo : BlockClass::kOther};
  }
  const std::string_view call = syscall_name(interval.syscall, interval.compat);
  if (call.empty()) {
    return {"system call " + std::to_string(raw(interval.syscall)), BlockClass::kOther};
  }
  const BlockClass block_class = class_of(call, interval.raw_state);
  if (block_class == BlockClass::kExit) return {"exit", BlockClass::kExit};
  return {std::string(call), block_class};
}

std::vector<Blocking> blocking_of(const ThreadTimeline& timeline) {
  std::vector<Keyed> keyed;
  for (const Interval& interval : timeline.intervals) {
    if (interval.state != State::kBlocked) continue;
    const Key key{interval.syscall, interval.raw_state, interval.compat, interval.kernel_thread};
    auto found = std::ranges::find(keyed, key, &Keyed::key);
    if (found == keyed.end()) {
      keyed.push_back({.key = key, .example = &interval, .longest = &interval});
      found = keyed.end() - 1;
    }
    found->time += interval.length();
    ++found->count;
    if (interval.length() > found->longest->length()) found->longest = &interval;
  }
  std::map<std::pair<std::string, BlockClass>, Blocking> by_reason;
  for (const Keyed& one : keyed) {
    add(by_reason, {.reason = block_reason(*one.example),
                    .time = one.time,
                    .count = one.count,
                    .longest = one.longest->length(),
                    .longest_end = one.longest->end});
  }
  return longest_first(std::move(by_reason));
}

std::vector<Blocking> merge_blocking(std::span<const std::vector<Blocking>> parts) {
  std::map<std::pair<std::string, BlockClass>, Blocking> by_reason;
  for (const std::vector<Blocking>& part : parts) {
    for (const Blocking& one : part) add(by_reason, one);
  }
  return longest_first(std::move(by_reason));
}

}  // namespace observe
