#include "workloads/frame/command.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "support/catch.h"
#include "workloads/frame/clock.h"

namespace observe::workloads {
namespace {

struct Folder {
  Folder() {
    char name[] = "/tmp/observe-command-XXXXXX";
    REQUIRE(mkdtemp(name) != nullptr);
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

int run(std::vector<std::string> argv) {
  auto command = Command::launch(std::move(argv), {});
  REQUIRE(command);
  REQUIRE(command->start());
  const auto status = command->wait();
  REQUIRE(status);
  return *status;
}

int refused(const std::string& program) {
  auto command = Command::launch({program}, {});
  REQUIRE(command);
  const auto started = command->start();
  REQUIRE_FALSE(started);
  CHECK(started.error().action.find("execute '") == 0);
  return command->start_status();
}

std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("a command's status is the one that a shell would give") {
  CHECK(run({"true"}) == 0);
  CHECK(run({"sh", "-c", "exit 7"}) == 7);
  CHECK(run({"sh", "-c", "kill -TERM $$"}) == 128 + SIGTERM);
}

TEST_CASE("a command that cannot be executed is an error with a shell's status") {
  const Folder folder;
  CHECK(refused("no-such-program-anywhere") == 127);
  CHECK(refused((folder.path / "missing").string()) == 127);
  const auto file = folder.path / "file";
  std::ofstream(file) << "not a program";
  CHECK(refused(file.string()) == 126);
  CHECK(refused(folder.path.string()) == 126);
  CHECK(refused("") == 127);
}

TEST_CASE("a command does nothing before it is started") {
  const Folder folder;
  const auto file = folder.path / "ran";
  auto command = Command::launch({"touch", file.string()}, {});
  REQUIRE(command);
  usleep(50'000);
  CHECK_FALSE(std::filesystem::exists(file));
  REQUIRE(command->start());
  pollfd fd{.fd = command->exit_fd(), .events = POLLIN, .revents = 0};
  CHECK(poll(&fd, 1, 10'000) == 1);
  CHECK(command->wait() == 0);
  CHECK(std::filesystem::exists(file));
}

TEST_CASE("a command that is never started leaves no process") {
  pid_t pid = 0;
  {
    auto command = Command::launch({"sleep", "60"}, {});
    REQUIRE(command);
    pid = static_cast<pid_t>(raw(command->pid()));
    CHECK(kill(pid, 0) == 0);
  }
  CHECK(kill(pid, 0) != 0);
}

TEST_CASE("a command finds its environment, its arguments, and signals at default") {
  const Folder folder;
  const auto file = folder.path / "out";
  setenv("OBSERVE_TEST_VALUE", "kept", 1);
  sigset_t blocked;
  sigset_t before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  sigprocmask(SIG_BLOCK, &blocked, &before);
  std::signal(SIGPIPE, SIG_IGN);
  CHECK(run({"sh", "-c",
             "printf '%s %s' \"$OBSERVE_TEST_VALUE\" \"$2\" >\"$1\"; "
             "grep -E 'SigBlk|SigIgn' /proc/self/status >>\"$1\"",
             "sh", file.string(), "two words"}) == 0);
  std::signal(SIGPIPE, SIG_DFL);
  sigprocmask(SIG_SETMASK, &before, nullptr);
  unsetenv("OBSERVE_TEST_VALUE");
  const std::string out = contents(file);
  CHECK(out.starts_with("kept two words"));
  CHECK(out.find("SigBlk:\t0000000000000000") != std::string::npos);
  CHECK(out.find("SigIgn:\t0000000000000000") != std::string::npos);
}

TEST_CASE("a command inherits the descriptors that it would have without us, and no other") {
  const Folder folder;
  const std::string script = "ls /proc/self/fd | sort >";
  const auto observed = (folder.path / "observed").string();
  const auto alone = (folder.path / "alone").string();
  CHECK(run({"sh", "-c", script + observed}) == 0);
  CHECK(std::system((script + alone).c_str()) == 0);
  CHECK_FALSE(contents(alone).empty());
  CHECK(contents(observed) == contents(alone));
}

TEST_CASE("failing to become the user keeps the command from running") {
  auto command = Command::launch(
      {"true"}, []() -> Result<void> { return fail(Error{"become nobody", "no", {}}); });
  REQUIRE(command);
  CHECK_FALSE(command->start());
  CHECK(command->start_status() == 126);
}

TEST_CASE("a running command can be signalled") {
  auto command = Command::launch({"sleep", "60"}, {});
  REQUIRE(command);
  REQUIRE(command->start());
  command->signal(SIGTERM);
  CHECK(command->wait() == 128 + SIGTERM);
}

}  // namespace observe::workloads
