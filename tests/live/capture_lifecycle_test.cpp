// Processes that come and go while we watch, and what an observer leaves behind.
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <map>
#include <set>

#include "capture/privileges.h"
#include "live/capture_support.h"

namespace observe {
namespace {

// Ids of the loaded programs that are named as ours are.
std::set<std::uint32_t> our_programs() {
  std::set<std::uint32_t> ids;
  bpf_attr next{};
  while (syscall(SYS_bpf, BPF_PROG_GET_NEXT_ID, &next, sizeof next) == 0) {
    const std::uint32_t id = next.next_id;
    next.start_id = id;
    bpf_attr by_id{};
    by_id.prog_id = id;
    const UniqueFd program(
        static_cast<int>(syscall(SYS_bpf, BPF_PROG_GET_FD_BY_ID, &by_id, sizeof by_id)));
    if (!program) continue;  // gone meanwhile
    bpf_prog_info info{};
    bpf_attr ask{};
    ask.info.bpf_fd = static_cast<std::uint32_t>(program.get());
    ask.info.info_len = sizeof info;
    ask.info.info = reinterpret_cast<std::uint64_t>(&info);
    if (syscall(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &ask, sizeof ask) != 0) continue;
    if (std::strncmp(info.name, "observe_", 8) == 0) ids.insert(id);
  }
  return ids;
}

// The kernel frees programs a little after their last descriptor is closed. Programs of other
// observers on this machine come and go with other ids, so it may take some looks.
bool are_gone(const std::set<std::uint32_t>& programs) {
  for (int look = 0; look < 500; ++look) {
    bool any = false;
    for (const std::uint32_t id : our_programs()) any |= programs.contains(id);
    if (!any) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

std::set<std::uint32_t> newer(const std::set<std::uint32_t>& now,
                              const std::set<std::uint32_t>& before) {
  std::set<std::uint32_t> added;
  for (const std::uint32_t id : now) {
    if (!before.contains(id)) added.insert(id);
  }
  return added;
}

// Becomes nobody, with three capabilities and no more: what a program has that was given them by
// setcap(8) and is run by an ordinary user.
bool become_nobody_with_capabilities() {
  constexpr uid_t kNobody = 65534;
  const CapabilitySet wanted = CapabilitySet{1} << CAP_BPF | CapabilitySet{1} << CAP_PERFMON |
                               CapabilitySet{1} << CAP_SYS_NICE;
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  const __user_cap_data_struct data[2] = {{.effective = static_cast<std::uint32_t>(wanted),
                                           .permitted = static_cast<std::uint32_t>(wanted),
                                           .inheritable = 0},
                                          {.effective = static_cast<std::uint32_t>(wanted >> 32),
                                           .permitted = static_cast<std::uint32_t>(wanted >> 32),
                                           .inheritable = 0}};
  return prctl(PR_SET_KEEPCAPS, 1) == 0 && setresuid(kNobody, kNobody, kNobody) == 0 &&
         syscall(SYS_capset, &header, data) == 0;
}

// A whole capture in a process of its own: 0, or the number of the step that failed.
int capture_in_child(const std::function<bool()>& before_start,
                     const std::function<bool()>& after_start) {
  const pid_t child = fork();
  if (child == 0) {
    Result<RecordingWriter> writer = RecordingWriter::create(UniqueFd(memfd_create("r", 0)));
    if (!writer || !before_start()) _exit(1);
    const auto capture = Capture::start({}, *writer, {});
    if (!capture) _exit(2);
    if (!after_start()) _exit(3);
    const Result<CaptureInfo> info = (*capture)->stop();
    if (!info) _exit(4);
    if (!writer->finish(*info)) _exit(5);
    if (!info->recorder_realtime || !info->recorder_note.empty()) _exit(6);
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

const ThreadInfo* find(const Trace& trace, pid_t tid) {
  for (const ThreadInfo& thread : trace.threads().all()) {
    if (thread.tid == static_cast<Tid>(tid)) return &thread;
  }
  return nullptr;
}

}  // namespace

TEST_CASE("a child's fork, names, program, exit status and account are recorded") {
  OBSERVE_NEEDS_BPF();
  LiveRecording recording;
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    prctl(PR_SET_NAME, "renamed\x1b[31m");
    execl("/bin/sh", "sh", "-c", "exit 7", nullptr);
    _exit(127);
  }
  int status = 0;
  rusage usage{};
  REQUIRE(wait4(child, &status, 0, &usage) == child);
  REQUIRE(WEXITSTATUS(status) == 7);
  // A thread is reaped before it has left its CPU for the last time.
  std::this_thread::sleep_for(100ms);
  const Trace trace = recording.stop();

  const ThreadInfo* thread = find(trace, child);
  REQUIRE(thread != nullptr);
  CHECK(thread->born);
  CHECK(thread->exiting);
  CHECK(thread->died);
  CHECK(thread->parent_process == static_cast<Pid>(getpid()));
  CHECK(thread->name() == "sh");
  REQUIRE(thread->account);
  // The thread still runs, and may block, when its counters are read for the parent.
  CHECK(static_cast<long>(thread->account->nvcsw) >= usage.ru_nvcsw);
  CHECK(static_cast<long>(thread->account->nivcsw) >= usage.ru_nivcsw);
  CHECK(thread->account->run_ns > 0);

  bool renamed = false, executed = false, exited = false;
  for (const Rename& event : trace.all<Rename>()) {
    renamed |= event.tid == thread->tid && std::string_view(event.name.data()) == "renamed\x1b[31m";
  }
  for (const Exec& event : trace.all<Exec>()) executed |= event.tid == thread->tid;
  for (const Exit& event : trace.all<Exit>()) {
    exited |= event.tid == thread->tid && event.exit_code == status;
  }
  CHECK(renamed);
  CHECK(executed);
  CHECK(exited);

  std::uint64_t switches = 0;
  for (const Switch& event : trace.all<Switch>()) switches += event.prev == thread->tid;
  CHECK(switches == std::uint64_t{thread->account->nvcsw} + thread->account->nivcsw);
}

namespace {

// A function of its own: a vfork() in a loop may clobber the loop's variables.
[[gnu::noinline]] pid_t fork_and_reap() {
  const pid_t child = vfork();
  if (child == 0) _exit(0);
  return waitpid(child, nullptr, 0);
}

}  // namespace

TEST_CASE("thousands of children in a row overflow nothing") {
  OBSERVE_NEEDS_BPF();
  LiveRecording recording;
  constexpr std::size_t kChildren = 1000;
  std::set<Tid> forked;
  for (std::size_t i = 0; i < kChildren; ++i) {
    const pid_t child = fork_and_reap();
    REQUIRE(child > 0);
    forked.insert(static_cast<Tid>(child));
  }
  const Trace trace = recording.stop();
  CHECK(trace.quality().lost_events == 0);
  for (const Fork& event : trace.all<Fork>()) forked.erase(event.child);
  CHECK(forked.empty());
}

TEST_CASE("what is kept of the privileges after the start is enough to stop") {
  OBSERVE_NEEDS_BPF();
  CHECK(capture_in_child([] { return true; },
                         [] {
                           return bool(drop_capabilities()) &&
                                  effective_capabilities() == capabilities_until_stop();
                         }) == 0);
  CHECK(capture_in_child([] { return true; }, [] { return bool(keep_capabilities(0)); }) == 0);
}

TEST_CASE("three capabilities are enough to observe: it does not take root") {
  OBSERVE_NEEDS_BPF();
  CHECK(capture_in_child(become_nobody_with_capabilities, [] { return true; }) == 0);
}

TEST_CASE("without privileges the error says which are missing and how to get them") {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    Result<RecordingWriter> writer = RecordingWriter::create(UniqueFd(memfd_create("r", 0)));
    if (!writer || !keep_capabilities(0)) _exit(1);
    const auto capture = Capture::start({}, *writer, {});
    if (capture) _exit(2);
    const std::string text = capture.error().text();
    const bool says = text.find("CAP_BPF and CAP_PERFMON") != text.npos &&
                      text.find("sudo") != text.npos && text.find("verifier") == text.npos;
    _exit(says && capture.error().failure == Failure::kNotAllowed ? 0 : 3);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("starting and stopping over and over leaves no program in the kernel") {
  OBSERVE_NEEDS_BPF();
  const auto before = our_programs();
  std::set<std::uint32_t> loaded;
  for (int i = 0; i < 20; ++i) {
    LiveRecording recording;
    loaded.merge(newer(our_programs(), before));
    recording.stop();
  }
  CHECK(loaded.size() >= 20 * 9);
  CHECK(are_gone(loaded));
}

namespace {

// The first two CPUs that this thread may use; one of them twice where it may use only one.
std::array<int, 2> two_cpus() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  REQUIRE(sched_getaffinity(0, sizeof allowed, &allowed) == 0);
  std::array<int, 2> cpus{-1, -1};
  for (int cpu = CPU_SETSIZE - 1; cpu >= 0; --cpu) {
    if (CPU_ISSET(cpu, &allowed)) cpus = {cpu, cpus[0] >= 0 ? cpus[0] : cpu};
  }
  return cpus;
}

// A thread that sleeps and wakes, and remembers how often it had been switched out by when.
struct CountingSleeper {
  CountingSleeper(int cpu, const std::atomic<bool>& stop)
      : thread(cpu, [this, &stop] {
          while (!stop) {
            counts.push_back(count_switches());
            std::this_thread::sleep_for(1ms);
          }
        }) {}

  std::vector<SwitchCount> counts;
  CountedThread thread;
};

// From the first count of the window to its last one, the recording must have what the kernel
// counted.
void check_window(const Trace& trace, const CountingSleeper& sleeper) {
  const auto& counts = sleeper.counts;
  const auto first = std::ranges::lower_bound(counts, trace.begin(), {}, &SwitchCount::at);
  const auto after = std::ranges::lower_bound(counts, trace.end(), {}, &SwitchCount::at);
  REQUIRE(after - first > 50);
  const SwitchCount& last = *std::prev(after);
  const auto switches = std::ranges::count_if(trace.all<Switch>(), [&](const Switch& event) {
    return event.prev == sleeper.thread.tid && event.at > first->at && event.at < last.at;
  });
  CHECK(switches == last.voluntary - first->voluntary + last.involuntary - first->involuntary);
}

// Who of ours is switched in is the next to be switched out on that CPU, up to the window's end. A
// kernel may hide the switch-outs of other threads from probes.
void check_chains(const Trace& trace, const std::array<int, 2>& cpus, const std::set<Tid>& ours) {
  std::map<Cpu, Tid> running;
  std::map<Cpu, std::uint64_t> links;
  std::uint64_t broken = 0;
  for (const Switch& event : trace.all<Switch>()) {
    if (event.at >= trace.end()) break;
    const auto [found, first] = running.try_emplace(event.cpu, event.next);
    if (!first && ours.contains(found->second) && found->second != event.prev) ++broken;
    found->second = event.next;
    ++links[event.cpu];
  }
  CHECK(broken == 0);
  for (const int cpu : cpus) CHECK(links[Cpu{static_cast<std::uint16_t>(cpu)}] > 100);
}

}  // namespace

TEST_CASE("an observer that is killed leaves no program, and all up to its last checkpoint") {
  OBSERVE_NEEDS_BPF();
  const auto before = our_programs();
  const UniqueFd file(memfd_create("recording", MFD_CLOEXEC));
  std::array<int, 2> ends{-1, -1};
  REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
  const UniqueFd begun(ends[0]);
  UniqueFd begins(ends[1]);
  const pid_t observer = fork();
  REQUIRE(observer >= 0);
  if (observer == 0) {
    Result<RecordingWriter> writer = RecordingWriter::create(UniqueFd(dup(file.get())));
    if (!writer) _exit(1);
    const auto capture = Capture::start({}, *writer, {});
    if (!capture || write(begins.get(), "x", 1) != 1) _exit(1);
    for (;;) pause();
  }
  begins = UniqueFd();
  char byte = 0;
  REQUIRE(read(begun.get(), &byte, 1) == 1);
  const auto loaded = newer(our_programs(), before);
  CHECK(loaded.size() >= 9);

  const std::array<int, 2> cpus = two_cpus();
  std::atomic<bool> stop{false};
  CountingSleeper one(cpus[0], stop);
  CountingSleeper two(cpus[1], stop);
  // Checkpoints come 50, 150 and 350 ms after the beginning, and the next one later than this.
  std::this_thread::sleep_for(600ms);
  kill(observer, SIGKILL);
  int status = 0;
  REQUIRE(waitpid(observer, &status, 0) == observer);
  CHECK(are_gone(loaded));
  stop = true;
  one.thread.join();
  two.thread.join();

  const off_t size = lseek(file.get(), 0, SEEK_END);
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  REQUIRE(pread(file.get(), bytes.data(), bytes.size(), 0) == size);
  const Result<Trace> trace = read_recording(bytes);
  REQUIRE(trace);
  CHECK(trace->quality().incomplete);
  CHECK(trace->quality().damaged_blocks == 0);
  CHECK(trace->quality().lost_events == 0);
  CHECK(trace->end() >= trace->begin() + 250ms);
  check_window(*trace, one);
  check_window(*trace, two);
  check_chains(*trace, cpus, {one.thread.tid, two.thread.tid});
  CHECK(trace->capture().observer_cpu_ns.value_or(0) > 0);
  CHECK(trace->capture().probe_cpu_ns.value_or(0) > 0);
}

}  // namespace observe
