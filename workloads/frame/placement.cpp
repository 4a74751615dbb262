#include "workloads/frame/placement.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/check.h"

namespace observe::workloads {
namespace {

// struct sched_attr of sched_setattr(2), version 0; glibc before 2.41 has none.
struct SchedulingAttributes {
  std::uint32_t size = sizeof(SchedulingAttributes);
  std::uint32_t policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0;  // ns; of a fair thread: the slice it asks for, 0 for the default
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;
};
static_assert(sizeof(SchedulingAttributes) == 48);

Result<void> set_attributes(const SchedulingAttributes& attributes, std::string_view what) {
  if (syscall(SYS_sched_setattr, 0, &attributes, 0) == 0) return {};
  return fail(error_from_errno(fmt::format("give the workload's threads {}", what), errno,
                               "run with sudo, or raise the limit: ulimit -r, ulimit -e"));
}

std::uint32_t kernel_policy(Policy policy) {
  switch (policy) {
    case Policy::kOther:
      return SCHED_OTHER;
    case Policy::kBatch:
      return SCHED_BATCH;
    case Policy::kIdle:
      return SCHED_IDLE;
    case Policy::kFifo:
      return SCHED_FIFO;
    case Policy::kRoundRobin:
      return SCHED_RR;
  }
  return SCHED_OTHER;
}

Result<void> set_affinity(std::span<const Cpu> cpus) {
  OBSERVE_CHECK(!cpus.empty());
  const std::size_t count = raw(*std::ranges::max_element(cpus)) + std::size_t{1};
  cpu_set_t* set = CPU_ALLOC(count);
  if (set == nullptr) return fail(error_from_errno("place the workload's threads", ENOMEM));
  const std::size_t size = CPU_ALLOC_SIZE(count);
  CPU_ZERO_S(size, set);
  for (const Cpu cpu : cpus) CPU_SET_S(raw(cpu), size, set);
  const int failed = sched_setaffinity(0, size, set) == 0 ? 0 : errno;
  CPU_FREE(set);
  if (failed == 0) return {};
  return fail(error_from_errno(fmt::format("place a thread on CPU {}", cpu_list_text(cpus)), failed,
                               "see which CPUs are allowed: taskset -p $$"));
}

std::unexpected<Error> refuse(std::string_view option, std::string reason,
                              std::string advice = {}) {
  return fail(usage_error(fmt::format("use --{}", option), std::move(reason), std::move(advice)));
}

Result<void> check_cpus(const Scheduling& scheduling, const Machine& machine) {
  for (const Cpu cpu : scheduling.cpus) {
    if (!std::ranges::binary_search(machine.online_cpus, cpu)) {
      return refuse("cpus", fmt::format("CPU {} is not online here", raw(cpu)),
                    fmt::format("online: {}", cpu_list_text(machine.online_cpus)));
    }
    if (!std::ranges::binary_search(machine.allowed_cpus, cpu)) {
      return refuse(
          "cpus", fmt::format("CPU {} is not allowed for this process", raw(cpu)),
          fmt::format("allowed by affinity and cpusets: {}", cpu_list_text(machine.allowed_cpus)));
    }
  }
  return {};
}

Result<void> check_realtime(const Scheduling& scheduling, const Values& values,
                            const Machine& machine) {
  const int priority = scheduling.policy.priority;
  if (priority >= machine.realtime_limit) {  // one more for the thread that stops the others
    return refuse("policy",
                  fmt::format("real-time priority {} is not permitted (CAP_SYS_NICE is missing and "
                              "the limit for real-time priorities is {})",
                              priority, machine.realtime_limit),
                  "run with sudo outside of a container, or raise the limit: ulimit -r");
  }
  if (values.has("slice-us")) {
    return refuse("slice-us", "real-time threads have no slice that could be asked for");
  }
  if (scheduling.nice != machine.nice)
    return refuse("nice", "it means nothing for real-time threads");
  Nanos longest = values.duration("warmup");
  if (values.has("duration")) longest += values.duration("duration");
  if (longest > kRealtimeLimit) {
    return refuse("policy",
                  fmt::format("real-time threads may not hold a CPU for {} ms; {} ms is the most",
                              to_ns(longest) / 1'000'000, to_ns(kRealtimeLimit) / 1'000'000),
                  "add --duration 800ms");
  }
  return {};
}

}  // namespace

std::string cpu_list_text(std::span<const Cpu> sorted) {
  std::vector<std::string> ranges;
  for (std::size_t i = 0; i < sorted.size();) {
    std::size_t last = i;
    while (last + 1 < sorted.size() && raw(sorted[last + 1]) == raw(sorted[last]) + 1) ++last;
    ranges.push_back(last == i ? fmt::format("{}", raw(sorted[i]))
                               : fmt::format("{}-{}", raw(sorted[i]), raw(sorted[last])));
    i = last + 1;
  }
  return fmt::format("{}", fmt::join(ranges, ","));
}

std::vector<Cpu> Scheduling::cpus_of(std::size_t position) const {
  switch (place) {
    case Place::kFree:
      return cpus;
    case Place::kOne:
      return {cpus.front()};
    case Place::kSpread:
      return {cpus[position % cpus.size()]};
  }
  return cpus;
}

Scheduling scheduling_of(const Values& values) {
  Scheduling scheduling;
  scheduling.cpus = values.cpus("cpus");
  const std::string& place = values.text("place");
  scheduling.place = place == "one"      ? Place::kOne
                     : place == "spread" ? Place::kSpread
                                         : Place::kFree;
  const auto policy = parse_policy(values.text("policy"));
  OBSERVE_CHECK(policy.has_value());
  scheduling.policy = *policy;
  scheduling.nice = static_cast<int>(values.integer("nice"));
  if (values.has("slice-us")) {
    scheduling.slice = std::chrono::microseconds{values.integer("slice-us")};
  }
  return scheduling;
}

Result<void> check_common(const Spec& spec, const Values& values, const Machine& machine) {
  const Scheduling scheduling = scheduling_of(values);
  if (const auto cpus = check_cpus(scheduling, machine); !cpus) return cpus;

  const std::int64_t threads =
      spec.thread_count != nullptr ? spec.thread_count(values) : values.integer("threads");
  if (threads > kMaxThreads) {
    return refuse("threads",
                  fmt::format("{} threads are needed and {} are the most", threads, kMaxThreads));
  }
  // The observer, the workload's own first thread, and the shell need some too.
  constexpr std::int64_t kSpare = 8;
  if (machine.thread_limit > 0 && threads + kSpare > machine.thread_limit) {
    return refuse("threads",
                  fmt::format("{} threads do not fit into the limit of {} processes and threads",
                              threads, machine.thread_limit),
                  "raise the limit: ulimit -u");
  }
  if (scheduling.place == Place::kSpread &&
      static_cast<std::size_t>(threads) > scheduling.cpus.size()) {
    return refuse(
        "place",
        fmt::format("spread gives each thread a CPU of its own: {} threads, but {} CPU{}", threads,
                    scheduling.cpus.size(), scheduling.cpus.size() == 1 ? "" : "s"),
        "use fewer --threads, or --place free");
  }
  if (scheduling.policy.realtime()) return check_realtime(scheduling, values, machine);
  if (scheduling.policy.policy == Policy::kIdle && scheduling.slice) {
    return refuse("slice-us", "the kernel takes slices of the policies other and batch only");
  }
  if (scheduling.nice < machine.nice_limit) {
    return refuse("nice",
                  fmt::format("{} is not permitted (CAP_SYS_NICE is missing; {} is the lowest)",
                              scheduling.nice, machine.nice_limit),
                  "run with sudo outside of a container, or raise the limit: ulimit -e");
  }
  return {};
}

namespace {

// A thread that computes beyond this without blocking is killed by the kernel, whatever became of
// the threads that should stop it.
Result<void> limit_realtime() {
  const rlim_t microseconds = static_cast<rlim_t>(to_ns(kRealtimeLimit) / 1'000) + 50'000;
  const rlimit limit{.rlim_cur = microseconds, .rlim_max = microseconds};
  if (setrlimit(RLIMIT_RTTIME, &limit) == 0) return {};
  return fail(error_from_errno("limit the real-time threads of the workload", errno));
}

Result<void> become_realtime(Policy policy, int priority) {
  if (auto limited = limit_realtime(); !limited) return limited;
  SchedulingAttributes attributes;
  attributes.policy = kernel_policy(policy);
  attributes.priority = static_cast<std::uint32_t>(priority) + 1;
  return set_attributes(attributes, "a real-time policy");
}

Result<void> become_nice(int nice) {
  SchedulingAttributes attributes;
  attributes.nice = nice;
  return set_attributes(attributes, fmt::format("nice {}", nice));
}

}  // namespace

Result<bool> prepare(const Scheduling& scheduling, const Rights& rights) {
  if (scheduling.policy.realtime()) {
    const int priority = std::max(scheduling.policy.priority, rights.realtime_priority);
    if (auto done = become_realtime(scheduling.policy.policy, priority); !done) {
      return fail(done.error());
    }
    return true;
  }
  errno = 0;
  const int own = getpriority(PRIO_PROCESS, 0);
  if (errno != 0) return fail(error_from_errno("read the workload's nice value", errno));
  if (scheduling.nice < own) {
    if (auto done = become_nice(scheduling.nice); !done) return fail(done.error());
  }
  bool all = true;
  if (rights.nice < scheduling.nice) all = become_nice(rights.nice).has_value();
  if (rights.realtime_priority > 0) {
    all = become_realtime(Policy::kFifo, rights.realtime_priority).has_value() && all;
  }
  return all;
}

Result<void> apply(const Scheduling& scheduling, std::size_t position,
                   const ThreadScheduling& own) {
  const auto placed = set_affinity(own.cpus ? *own.cpus : scheduling.cpus_of(position));
  if (!placed) return placed;
  const PolicyChoice policy = own.policy.value_or(scheduling.policy);
  SchedulingAttributes attributes;
  attributes.policy = kernel_policy(policy.policy);
  attributes.priority = static_cast<std::uint32_t>(policy.priority);
  if (!policy.realtime()) {
    attributes.nice = own.nice.value_or(scheduling.nice);
    const std::optional<Nanos> slice = own.slice ? own.slice : scheduling.slice;
    if (slice) attributes.runtime = static_cast<std::uint64_t>(to_ns(*slice));
  }
  return set_attributes(attributes, "their policy, nice value or slice");
}

std::int64_t granted_slice_ns() {
  SchedulingAttributes attributes;
  if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) return 0;
  const bool fair = attributes.policy == SCHED_OTHER || attributes.policy == SCHED_BATCH;
  return fair ? static_cast<std::int64_t>(attributes.runtime) : 0;
}

Result<void> move_to(std::span<const Cpu> cpus) { return set_affinity(cpus); }

}  // namespace observe::workloads
