#include "recording/convert.h"

#include <algorithm>
#include <bit>

namespace observe::convert {

namespace {

Time time_of(std::uint64_t at) { return time_at(static_cast<std::int64_t>(at)); }

std::array<char, 16> name_of(const char (&comm)[OBSERVE_COMM_LEN]) {
  std::array<char, 16> name{};  // what follows the first NUL is whatever was there before
  std::copy(comm, std::find(comm, comm + OBSERVE_COMM_LEN, '\0'), name.begin());
  return name;
}

Switch event_of(const observe_switch& record) {
  return {.at = time_of(record.head.at),
          .cpu = Cpu{record.head.cpu},
          .preempt = (record.head.flags & OBSERVE_SWITCH_PREEMPT) != 0,
          .kernel_thread = (record.head.flags & OBSERVE_SWITCH_KERNEL) != 0,
          .compat = (record.head.flags & OBSERVE_SWITCH_COMPAT) != 0,
          .prev = Tid{record.prev},
          .next = Tid{record.next},
          .prev_state = RawState{record.prev_state},
          .syscall = Syscall{record.syscall},
          .user_ip = record.user_ip,
          .prev_prio = record.prev_prio,
          .next_prio = record.next_prio,
          .nvcsw = record.nvcsw,
          .nivcsw = record.nivcsw};
}

WakeContext context_of(std::uint8_t flags) {
  if ((flags & OBSERVE_WAKE_CONTEXT) == 0) return WakeContext::kUnknown;
  if ((flags & OBSERVE_WAKE_HARDIRQ) != 0) return WakeContext::kHardirq;
  if ((flags & OBSERVE_WAKE_SOFTIRQ) != 0) return WakeContext::kSoftirq;
  return WakeContext::kThread;
}

Waking waking_of(const observe_wake& record) {
  return {.at = time_of(record.head.at),
          .cpu = Cpu{record.head.cpu},
          .context = context_of(record.head.flags),
          .tid = Tid{record.tid},
          .waker = Tid{record.by},
          .previous_cpu = cpu_of(record.from_cpu),
          .prio = record.prio};
}

Wakeup wakeup_of(const observe_wake& record) {
  return {.at = time_of(record.head.at),
          .cpu = Cpu{record.head.cpu},
          .is_new = record.head.kind == OBSERVE_KIND_WAKEUP_NEW,
          .tid = Tid{record.tid},
          .target_cpu = cpu_of(record.to_cpu),
          .prio = record.prio};
}

Migrate migrate_of(const observe_wake& record) {
  return {.at = time_of(record.head.at),
          .cpu = Cpu{record.head.cpu},
          .tid = Tid{record.tid},
          .from = cpu_of(record.from_cpu),
          .to = cpu_of(record.to_cpu)};
}

Fork event_of(const observe_fork& record) {
  return {.at = time_of(record.head.at),
          .cpu = Cpu{record.head.cpu},
          .is_thread = (record.head.flags & OBSERVE_FORK_THREAD) != 0,
          .kernel_thread = (record.head.flags & OBSERVE_FORK_KERNEL) != 0,
          .child = Tid{record.child},
          .child_process = Pid{record.child_tgid},
          .parent = Tid{record.parent},
          .child_start = record.child_start};
}

Rename event_of(const observe_name& record) {
  Rename::Cause cause = Rename::Cause::kRename;
  if (record.head.flags == OBSERVE_NAME_FORK) cause = Rename::Cause::kFork;
  if (record.head.flags == OBSERVE_NAME_EXEC) cause = Rename::Cause::kExec;
  return {.at = time_of(record.head.at),
          .cpu = Cpu{record.head.cpu},
          .cause = cause,
          .tid = Tid{record.tid},
          .process = Pid{record.tgid},
          .name = name_of(record.comm)};
}

Exec exec_of(const observe_life& record) {
  return {.at = time_of(record.head.at),
          .cpu = Cpu{record.head.cpu},
          .tid = Tid{record.tid},
          .process = Pid{record.tgid},
          .old_tid = Tid{record.old_tid}};
}

Exit exit_of(const observe_life& record) {
  return {.at = time_of(record.head.at),
          .cpu = Cpu{record.head.cpu},
          .tid = Tid{record.tid},
          .process = Pid{record.tgid},
          .exit_code = record.exit_code};
}

Account event_of(const observe_account& record) {
  return {.at = time_of(record.head.at),
          .cpu = Cpu{record.head.cpu},
          .tid = Tid{record.tid},
          .nvcsw = record.nvcsw,
          .nivcsw = record.nivcsw,
          .run_ns = record.run_ns,
          .run_delay_ns = record.run_delay_ns};
}

Marker event_of(const observe_mark& record) {
  return {.at = time_of(record.head.at),
          .kind = record.mark,
          .tid = Tid{record.tid},
          .a = record.a,
          .b = record.b};
}

}  // namespace

Cpu cpu_of(std::uint32_t cpu) {
  return cpu < OBSERVE_MAX_CPUS ? Cpu{static_cast<std::uint16_t>(cpu)} : kNoCpu;
}

bool add_record(const observe_record& record, std::uint32_t stream, TraceBuilder& builder) {
  switch (record.head.kind) {
    case OBSERVE_KIND_SWITCH:
      builder.add(event_of(std::bit_cast<observe_switch>(record)), stream);
      return true;
    case OBSERVE_KIND_WAKING:
      builder.add(waking_of(std::bit_cast<observe_wake>(record)), stream);
      return true;
    case OBSERVE_KIND_WAKEUP:
    case OBSERVE_KIND_WAKEUP_NEW:
      builder.add(wakeup_of(std::bit_cast<observe_wake>(record)), stream);
      return true;
    case OBSERVE_KIND_MIGRATE:
      builder.add(migrate_of(std::bit_cast<observe_wake>(record)), stream);
      return true;
    case OBSERVE_KIND_FORK:
      builder.add(event_of(std::bit_cast<observe_fork>(record)), stream);
      return true;
    case OBSERVE_KIND_NAME:
      builder.add(event_of(std::bit_cast<observe_name>(record)), stream);
      return true;
    case OBSERVE_KIND_EXEC:
      builder.add(exec_of(std::bit_cast<observe_life>(record)), stream);
      return true;
    case OBSERVE_KIND_EXIT:
      builder.add(exit_of(std::bit_cast<observe_life>(record)), stream);
      return true;
    case OBSERVE_KIND_ACCOUNT:
      builder.add(event_of(std::bit_cast<observe_account>(record)), stream);
      return true;
    case OBSERVE_KIND_MARK:
      builder.add(event_of(std::bit_cast<observe_mark>(record)), stream);
      return true;
    default:
      return false;
  }
}

ThreadSeed seed_of(const observe_seed& seed) {
  const auto has = [&](std::uint8_t flag) { return (seed.flags & flag) != 0; };
  return {.at = time_of(seed.at),
          .start_time = seed.start_time,
          .run_ns = seed.run_ns,
          .run_delay_ns = seed.run_delay_ns,
          .user_ip = seed.user_ip,
          .nvcsw = seed.nvcsw,
          .nivcsw = seed.nivcsw,
          .slice_ns = seed.slice_ns,
          .tid = Tid{seed.tid},
          .process = Pid{seed.tgid},
          .parent_process = Pid{seed.ppid},
          .state = RawState{seed.state},
          .syscall = Syscall{seed.syscall},
          .prio = seed.prio,
          .policy = seed.policy,
          .cpu = cpu_of(seed.cpu),
          .on_cpu = has(OBSERVE_SEED_ON_CPU),
          .queued = has(OBSERVE_SEED_QUEUED),
          .delayed = has(OBSERVE_SEED_DELAYED),
          .kernel_thread = has(OBSERVE_SEED_KERNEL),
          .compat = has(OBSERVE_SEED_COMPAT),
          .torn = has(OBSERVE_SEED_TORN),
          .name = name_of(seed.comm)};
}

}  // namespace observe::convert
