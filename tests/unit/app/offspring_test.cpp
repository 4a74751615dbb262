#include "app/offspring.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <functional>
#include <thread>

#include "support/catch.h"

namespace observe::app {
namespace {

using namespace std::chrono_literals;

[[noreturn]] void sleep_for_ever() {
  for (;;) pause();
}

pid_t start(const std::function<void()>& program) {
  const pid_t pid = fork();
  REQUIRE(pid >= 0);
  if (pid != 0) return pid;
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  std::signal(SIGTERM, SIG_DFL);  // the test framework has a handler of its own
  program();
  _exit(0);
}

// Leaves a daemon behind, as the book has it: two forks and a session of its own.
void daemonize() {
  if (fork() != 0) return;
  setsid();
  if (fork() != 0) return;
  sleep_for_ever();
}

Offspring adopt() {
  Result<Offspring> offspring = Offspring::adopt();
  REQUIRE(offspring.has_value());
  return std::move(*offspring);
}

bool eventually(const std::function<bool()>& condition) {
  for (int i = 0; i < 1000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(5ms);
  }
  return false;
}

}  // namespace

TEST_CASE("a daemon that forked twice and left the session is found, asked and gone") {
  Offspring offspring = adopt();
  const pid_t parent = start(daemonize);
  CHECK(waitpid(parent, nullptr, 0) == parent);
  // The one in the middle ends too; the daemon then is this process's child.
  REQUIRE(eventually([&] {
    offspring.reap(-1);
    return descendants_of(getpid()).size() == 1;
  }));
  CHECK(offspring.any_left());
  offspring.ask(SIGTERM);
  CHECK(eventually([&] { return !offspring.any_left(); }));
  CHECK(descendants_of(getpid()).empty());
}

TEST_CASE("what is deaf or stopped is killed, with all its children") {
  Offspring offspring = adopt();
  start([] {
    std::signal(SIGTERM, SIG_IGN);
    for (int i = 0; i < 3; ++i) {
      if (fork() == 0) sleep_for_ever();
    }
    raise(SIGSTOP);
    sleep_for_ever();
  });
  REQUIRE(eventually([] { return descendants_of(getpid()).size() == 4; }));
  CHECK(offspring.kill_all(5s));
  CHECK_FALSE(offspring.any_left());
}

TEST_CASE("what is stopped and asked to end is woken to do so") {
  Offspring offspring = adopt();
  start([] {
    raise(SIGSTOP);
    sleep_for_ever();
  });
  REQUIRE(eventually([&] {
    siginfo_t info{};
    return waitid(P_ALL, 0, &info, WSTOPPED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
  }));
  offspring.ask(SIGTERM);
  CHECK(eventually([&] { return !offspring.any_left(); }));
}

TEST_CASE("orphans are reaped while the one that is waited for stays") {
  Offspring offspring = adopt();
  const pid_t waited_for = start([] { sleep_for_ever(); });
  start([] {});
  CHECK(eventually([&] {
    offspring.reap(waited_for);
    return descendants_of(getpid()) == std::vector<pid_t>{waited_for};
  }));
  kill(waited_for, SIGKILL);
  siginfo_t info{};
  REQUIRE(waitid(P_PID, static_cast<id_t>(waited_for), &info, WEXITED | WNOWAIT) == 0);
  offspring.reap(waited_for);
  int status = 0;
  CHECK(waitpid(waited_for, &status, 0) == waited_for);
  CHECK(WIFSIGNALED(status));
}

}  // namespace observe::app
