// Processes that come and go while we watch, and what an observer leaves behind.
#include <linux/bpf.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <csignal>
#include <cstring>
#include <set>

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
  const Trace trace = recording.stop();

  const ThreadInfo* thread = find(trace, child);
  REQUIRE(thread != nullptr);
  CHECK(thread->born);
  CHECK(thread->exiting);
  CHECK(thread->died);
  CHECK(thread->parent_process == static_cast<Pid>(getpid()));
  CHECK(thread->name() == "sh");
  REQUIRE(thread->account);
  CHECK(static_cast<long>(thread->account->nvcsw) == usage.ru_nvcsw);
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

TEST_CASE("thousands of children in a row overflow nothing") {
  OBSERVE_NEEDS_BPF();
  LiveRecording recording;
  constexpr std::size_t kChildren = 3000;
  std::set<Tid> forked;
  for (std::size_t i = 0; i < kChildren; ++i) {
    const pid_t child = vfork();
    if (child == 0) _exit(0);
    REQUIRE(child > 0);
    forked.insert(static_cast<Tid>(child));
    REQUIRE(waitpid(child, nullptr, 0) == child);
  }
  const Trace trace = recording.stop();
  CHECK(trace.quality().lost_events == 0);
  for (const Fork& event : trace.all<Fork>()) forked.erase(event.child);
  CHECK(forked.empty());
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

TEST_CASE("an observer that is killed leaves no program and a readable recording") {
  OBSERVE_NEEDS_BPF();
  const auto before = our_programs();
  const UniqueFd file(memfd_create("recording", MFD_CLOEXEC));
  const pid_t observer = fork();
  REQUIRE(observer >= 0);
  if (observer == 0) {
    Result<RecordingWriter> writer = RecordingWriter::create(UniqueFd(dup(file.get())));
    if (!writer) _exit(1);
    const auto capture = Capture::start({}, *writer, {});
    if (!capture) _exit(1);
    kill(getpid(), SIGSTOP);
    _exit(2);
  }
  int status = 0;
  REQUIRE(waitpid(observer, &status, WUNTRACED) == observer);
  REQUIRE(WIFSTOPPED(status));
  const auto loaded = newer(our_programs(), before);
  CHECK(loaded.size() >= 9);
  kill(observer, SIGKILL);
  REQUIRE(waitpid(observer, &status, 0) == observer);
  CHECK(are_gone(loaded));

  const off_t size = lseek(file.get(), 0, SEEK_END);
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  REQUIRE(pread(file.get(), bytes.data(), bytes.size(), 0) == size);
  const Result<Trace> trace = read_recording(bytes);
  REQUIRE(trace);
  CHECK(trace->quality().incomplete);
}

}  // namespace observe
