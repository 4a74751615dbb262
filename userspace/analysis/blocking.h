// What threads blocked in. The reason is the system call that the thread slept in: it tells a lock
// from a sleep and from I/O, but not which lock or file.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "analysis/timelines.h"

namespace observe {

enum class BlockClass : std::uint8_t {
  kFutex,   // a lock, a condition, a join: anything built on futexes
  kSleep,   // until a time
  kPoll,    // until one of many files is ready
  kPipe,    // interruptible read or write: a pipe, a socket, a terminal, an event file
  kIo,      // uninterruptible read, write or sync: a disk, or memory pages from it
  kChild,   // until a child changes state
  kExit,    // on its way out
  kKernel,  // a kernel thread: its own business
  kOther,
};
std::string_view block_class_text(BlockClass block_class);

struct BlockReason {
  std::string name;  // "futex", "read", "page fault", "exit", "kernel thread", "stopped"…
  BlockClass block_class = BlockClass::kOther;
};
// Of a kBlocked interval.
BlockReason block_reason(const Interval& interval);

struct Blocking {
  BlockReason reason;
  Nanos time{};
  std::uint64_t count = 0;
  Nanos longest{};
  Time longest_end;
};

// Longest first. A reason occurs once.
std::vector<Blocking> blocking_of(const ThreadTimeline& timeline);
std::vector<Blocking> merge_blocking(std::span<const std::vector<Blocking>> parts);

}  // namespace observe
