#include "workloads/frame/launcher.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <fstream>

#include "run_workload.h"
#include "workloads/frame/clock.h"
#include "workloads/frame/process.h"
#include "workloads/frame/stage.h"

namespace observe::workloads {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Values defaults(std::string duration = "10s") {
  auto values = values_for("contended-counter", {"--duration", duration});
  REQUIRE(values);
  return *std::move(values);
}

Spec spec_that(Result<void> (*run)(const Values&, Stage&)) {
  Spec spec = *find("contended-counter");
  spec.run = run;
  return spec;
}

Result<Launched> launch_ready(const Spec& spec, const Values& values) {
  auto launched = launch(spec, values, 1, {});
  if (!launched) return launched;
  if (auto ready = launched->wait_ready(seconds{10}); !ready) return fail(ready.error());
  return launched;
}

// Makes the calling process hang where it means to exit: a filter turns the system call into a
// signal, whose handler never returns.
bool never_exit() {
  std::signal(SIGSYS, [](int) {
    while (true) pause();
  });
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{.len = std::size(program), .filter = program};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

bool exists(Pid pid) { return kill(static_cast<pid_t>(raw(pid)), 0) == 0; }

}  // namespace

TEST_CASE("a workload that is told to stop ends early with its results") {
  auto launched = launch_ready(*find("contended-counter"), defaults());
  REQUIRE(launched);
  REQUIRE(launched->open_gate());
  usleep(50'000);
  const Time before = now();
  const auto results = launched->finish();
  REQUIRE(results);
  CHECK(now() - before < seconds{3});
  CHECK(integer(results->truth, "expected") > 0);
  CHECK(results->phase_end - results->phase_begin < seconds{3});
  CHECK_FALSE(exists(launched->pid()));
}

TEST_CASE("nothing runs before the gate opens") {
  auto launched = launch_ready(*find("contended-counter"), defaults("50ms"));
  REQUIRE(launched);
  usleep(100'000);
  const Time opened = now();
  REQUIRE(launched->open_gate());
  pollfd fd{.fd = launched->done_fd(), .events = POLLIN, .revents = 0};
  CHECK(poll(&fd, 1, 10'000) == 1);
  const auto results = launched->finish();
  REQUIRE(results);
  CHECK(results->phase_begin >= opened);
  for (const auto& thread : results->threads) CHECK(thread.begin >= opened);
}

TEST_CASE("a workload stopped before its gate opened is an error, not a result") {
  auto launched = launch_ready(*find("contended-counter"), defaults());
  REQUIRE(launched);
  const auto results = launched->finish();
  REQUIRE_FALSE(results);
  CHECK(results.error().reason.find("stopped before it began") != std::string::npos);
}

TEST_CASE("a workload that is let go of leaves no process") {
  Pid pid{};
  {
    auto launched = launch_ready(*find("contended-counter"), defaults());
    REQUIRE(launched);
    REQUIRE(launched->open_gate());
    pid = launched->pid();
    CHECK(exists(pid));
  }
  CHECK_FALSE(exists(pid));
}

TEST_CASE("failing to become the user fails the launch with that reason") {
  auto launched = launch(*find("contended-counter"), defaults(), 1, []() -> Result<void> {
    return fail(Error{"become nobody", "not today", "wait", Failure::kNotAllowed});
  });
  REQUIRE(launched);
  const auto ready = launched->wait_ready(seconds{10});
  REQUIRE_FALSE(ready);
  CHECK(ready.error().text() == "cannot become nobody: not today\n  wait");
  CHECK(ready.error().failure == Failure::kNotAllowed);
}

TEST_CASE("a workload's own error is reported as its own") {
  const Spec spec = spec_that([](const Values&, Stage& stage) -> Result<void> {
    return stage.perform({{"victim", [](Worker&) -> Result<void> {
                             return fail(Error{"juggle", "dropped it", {}});
                           }}});
  });
  auto launched = launch_ready(spec, defaults());
  REQUIRE(launched);
  REQUIRE(launched->open_gate());
  const auto results = launched->finish();
  REQUIRE_FALSE(results);
  CHECK(results.error().text() == "cannot juggle: dropped it");
}

TEST_CASE("a workload that crashes is reported with its signal") {
  const Spec spec = spec_that([](const Values&, Stage& stage) -> Result<void> {
    return stage.perform({{"victim", [](Worker&) -> Result<void> {
                             raise(SIGSEGV);
                             return {};
                           }}});
  });
  auto launched = launch_ready(spec, defaults());
  REQUIRE(launched);
  REQUIRE(launched->open_gate());
  const auto results = launched->finish();
  REQUIRE_FALSE(results);
  CHECK(results.error().reason.find("signal 11 (Segmentation fault)") != std::string::npos);
}

TEST_CASE("a workload that dies before it is ready is noticed at once") {
  const Spec spec = spec_that([](const Values&, Stage&) -> Result<void> { _exit(3); });
  auto launched = launch(spec, defaults(), 1, {});
  REQUIRE(launched);
  const Time before = now();
  const auto ready = launched->wait_ready(seconds{10});
  REQUIRE_FALSE(ready);
  CHECK(ready.error().reason == "it ended with status 3");
  CHECK(now() - before < seconds{5});
}

TEST_CASE("a workload that does not stop is killed after the grace time") {
  const Spec spec = spec_that([](const Values&, Stage& stage) -> Result<void> {
    return stage.perform({{"deaf", [](Worker&) -> Result<void> {
                             while (true) usleep(10'000);
                           }}});
  });
  auto launched = launch_ready(spec, defaults());
  REQUIRE(launched);
  REQUIRE(launched->open_gate());
  const auto results = launched->finish(milliseconds{200});
  REQUIRE_FALSE(results);
  CHECK(results.error().reason == "it did not answer in time");
  CHECK_FALSE(exists(launched->pid()));
}

TEST_CASE("what a workload reported is kept when it then does not end") {
  const Spec spec = spec_that([](const Values& values, Stage& stage) -> Result<void> {
    if (!never_exit()) return fail(error_from_errno("stay for ever", errno));
    return find("contended-counter")->run(values, stage);
  });
  auto launched = launch_ready(spec, defaults("50ms"));
  REQUIRE(launched);
  REQUIRE(launched->open_gate());
  usleep(100'000);  // it has time to count something, and to report
  const auto results = launched->finish(milliseconds{500});
  REQUIRE(results);
  CHECK(results->name == "contended-counter");
  CHECK(integer(results->truth, "expected") > 0);
  CHECK(launched->note() == "the workload reported its results but did not end, and was killed");
  CHECK_FALSE(exists(launched->pid()));
}

TEST_CASE("a workload that never gets ready is given up") {
  const Spec spec = spec_that([](const Values&, Stage&) -> Result<void> {
    while (true) usleep(10'000);
  });
  auto launched = launch(spec, defaults(), 1, {});
  REQUIRE(launched);
  CHECK_FALSE(launched->wait_ready(milliseconds{100}));
}

TEST_CASE("the workload dies with its observer, even one that is killed") {
  int tell[2];
  REQUIRE(pipe(tell) == 0);
  // A stand-in for the observer; this process adopts what it leaves.
  REQUIRE(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  const pid_t observer = fork();
  if (observer == 0) {
    auto launched = launch_ready(*find("contended-counter"), defaults("60s"));
    if (!launched || !launched->open_gate()) _exit(1);
    const std::uint32_t pid = raw(launched->pid());
    if (write(tell[1], &pid, sizeof pid) != sizeof pid) _exit(1);
    pause();
    _exit(1);
  }
  std::uint32_t workload = 0;
  REQUIRE(read(tell[0], &workload, sizeof workload) == sizeof workload);
  kill(observer, SIGKILL);
  REQUIRE(waitpid(observer, nullptr, 0) == observer);
  const auto status = reap_within(static_cast<pid_t>(workload), seconds{5});
  CHECK(status.has_value());
  prctl(PR_SET_CHILD_SUBREAPER, 0);
  close(tell[0]);
  close(tell[1]);
}

TEST_CASE("Ctrl-C on the terminal is the observer's to answer") {
  auto launched = launch_ready(*find("contended-counter"), defaults());
  REQUIRE(launched);
  REQUIRE(launched->open_gate());
  kill(static_cast<pid_t>(raw(launched->pid())), SIGINT);
  usleep(50'000);
  CHECK(launched->finish());
}

TEST_CASE("the workload keeps none of the observer's descriptors") {
  const int ours = open("/dev/null", O_RDONLY);  // not close-on-exec, not that it mattered
  REQUIRE(ours > 2);
  auto launched = launch_ready(*find("contended-counter"), defaults());
  REQUIRE(launched);
  const std::string path =
      "/proc/" + std::to_string(raw(launched->pid())) + "/fd/" + std::to_string(ours);
  char target[64] = {};
  const ssize_t length = readlink(path.c_str(), target, sizeof target - 1);
  CHECK((length < 0 || std::string(target) != "/dev/null"));
  close(ours);
}

TEST_CASE("threads bear their role's name and stay where they are put") {
  auto launched = launch_ready(*find("contended-counter"), defaults());
  REQUIRE(launched);
  const std::string tasks = "/proc/" + std::to_string(raw(launched->pid())) + "/task";
  int counters = 0;
  for (const auto& entry : std::filesystem::directory_iterator(tasks)) {
    std::ifstream comm(entry.path() / "comm");
    std::string name;
    std::getline(comm, name);
    if (!name.starts_with("counter-")) continue;
    ++counters;
    cpu_set_t set;
    REQUIRE(sched_getaffinity(std::stoi(entry.path().filename()), sizeof set, &set) == 0);
    CHECK(CPU_COUNT(&set) == 1);
  }
  CHECK(counters == 2);
}

}  // namespace observe::workloads
