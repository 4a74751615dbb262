#include "app/process.h"

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "support/catch.h"

namespace observe::app {
namespace {

Pid pid_of(pid_t pid) { return Pid{static_cast<std::uint32_t>(pid)}; }

std::string refusal(Pid pid) {
  const Result<RunningProcess> process = open_process(pid);
  REQUIRE_FALSE(process.has_value());
  return process.error().text();
}

// A child that sleeps until it is killed.
class Sleeper {
 public:
  Sleeper() : pid_(fork()) {
    if (pid_ == 0) {
      for (;;) pause();
    }
  }
  ~Sleeper() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

}  // namespace

TEST_CASE("a running process can be observed, and its end is seen") {
  const Sleeper sleeper;
  const Result<RunningProcess> process = open_process(pid_of(sleeper.pid()));
  REQUIRE(process.has_value());
  CHECK_FALSE(process->name.empty());
  pollfd end{process->end.get(), POLLIN, 0};
  CHECK(poll(&end, 1, 0) == 0);
  kill(sleeper.pid(), SIGKILL);
  CHECK(poll(&end, 1, 10'000) == 1);
}

TEST_CASE("what is no observable process is refused with the reason") {
  CHECK(refusal(pid_of(getpid())).find("the observer itself") != std::string::npos);
  CHECK(refusal(Pid{4'194'304}).find("no such process") != std::string::npos);

  pid_t tid = 0;
  std::thread([&] {
    tid = static_cast<pid_t>(syscall(SYS_gettid));
    const std::string text = refusal(pid_of(tid));
    CHECK(text.find("--pid " + std::to_string(getpid())) != std::string::npos);
  }).join();
}

TEST_CASE("a zombie is refused") {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  siginfo_t info{};
  REQUIRE(waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) == 0);
  CHECK(refusal(pid_of(child)).find("zombie") != std::string::npos);
  waitpid(child, nullptr, 0);
}

TEST_CASE("a kernel thread is refused") {
  // kthreadd; in a container with its own process ids there is none.
  if (access("/proc/2/stat", R_OK) != 0) return;
  const Result<RunningProcess> process = open_process(Pid{2});
  if (process) return;
  CHECK(process.error().text().find("--system") != std::string::npos);
}

TEST_CASE("the stat line of a process with a hostile name is read") {
  const auto stat = parse_stat("42 (a) R (b\n) S 1 42 42 0 -1 4194560 100 0\n");
  REQUIRE(stat.has_value());
  CHECK(stat->name == "a) R (b\n");
  CHECK(stat->state == 'S');
  CHECK(stat->flags == 4'194'560);
}

TEST_CASE("a stat line that makes no sense is nothing") {
  for (const char* text : {"", "42", "42 (x", "42 )x(", "42 (x)", "42 (x) S 1 2 3 4 5",
                           "42 (x) S 1 2 3 4 5 x", "42 (x) S 1 2 3 4 5 99999999999999999999999"}) {
    INFO(text);
    CHECK_FALSE(parse_stat(text).has_value());
  }
}

}  // namespace observe::app
