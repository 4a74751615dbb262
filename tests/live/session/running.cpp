#include "live/session/running.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

#include "support/catch.h"

namespace observe::testing {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr uid_t kNobody = 65534;
constexpr std::string_view kStreamPrefix = ".stream";

// Empty for what is no file in the sense of having an end.
std::string read_file(const std::string& path) {
  if (!fs::is_regular_file(path)) return {};
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<pid_t> all_processes() {
  std::vector<pid_t> pids;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; })) {
      pids.push_back(std::stoi(name));
    }
  }
  return pids;
}

// The text behind a field of /proc/PID/status.
std::string status_field(pid_t pid, const std::string& field) {
  std::istringstream lines(read_file("/proc/" + std::to_string(pid) + "/status"));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(field + ":\t")) return line.substr(field.size() + 2);
  }
  return {};
}

std::string stream_name(const Folder& folder, const char* which) {
  static int number = 0;
  return folder.file(std::string(kStreamPrefix) + "-" + which + std::to_string(number++));
}

}  // namespace

Folder::Folder() {
  std::string pattern = fs::temp_directory_path() / "observe-session-XXXXXX";
  REQUIRE(mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

Folder::~Folder() {
  std::error_code ignored;  // a folder left over is no reason to end the test program
  fs::remove_all(path_, ignored);
}

std::vector<std::string> Folder::names() const {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(path_)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(kStreamPrefix)) names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

Running::Running(const Folder& folder, std::vector<std::string> words, const RunOptions& options)
    : out_(options.standard_output.empty() ? stream_name(folder, "out") : options.standard_output),
      err_(stream_name(folder, "err")) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_ = fork();
  REQUIRE(pid_ >= 0);
  if (pid_ != 0) return;
  const int in = open("/dev/null", O_RDONLY);
  const int out = open(out_.c_str(), O_WRONLY | O_CREAT, 0644);
  const int err = open(err_.c_str(), O_WRONLY | O_CREAT, 0644);
  const int program = open(argv[0], O_PATH | O_CLOEXEC);
  bool ready = in >= 0 && out >= 0 && err >= 0 && chdir(folder.path().c_str()) == 0 &&
               dup2(in, 0) == 0 && dup2(out, 1) == 1 && dup2(err, 2) == 2;
  for (const char* name : {"SUDO_UID", "SUDO_GID", "SUDO_USER"}) unsetenv(name);
  for (const std::string& variable : options.environment) {
    ready = ready && putenv(strdup(variable.c_str())) == 0;
  }
  if (options.without_privileges) {
    ready = ready && setgroups(0, nullptr) == 0 && setresgid(kNobody, kNobody, kNobody) == 0 &&
            setresuid(kNobody, kNobody, kNobody) == 0;
  }
  // A checkout in root's own home: others may run the program, but not walk the path to it.
  if (ready && options.without_privileges) fexecve(program, argv.data(), environ);
  if (ready) execvp(argv[0], argv.data());
  _exit(125);
}

Running::~Running() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void Running::signal(int number) const { REQUIRE(kill(pid_, number) == 0); }

int Running::wait(std::chrono::seconds timeout) {
  const auto deadline = steady_clock::now() + timeout;
  for (;;) {
    int status = 0;
    const pid_t ended = waitpid(pid_, &status, WNOHANG);
    REQUIRE(ended >= 0);
    if (ended == pid_) {
      pid_ = -1;
      return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    if (steady_clock::now() > deadline) FAIL("the program did not end; it said: " << err());
    std::this_thread::sleep_for(milliseconds(5));
  }
}

std::string Running::out() const { return read_file(out_); }
std::string Running::err() const { return read_file(err_); }

std::vector<std::string> observe_words(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), OBSERVE_PROGRAM);
  return arguments;
}

Finished run_observe(const Folder& folder, std::vector<std::string> arguments,
                     const RunOptions& options) {
  Running running(folder, observe_words(std::move(arguments)), options);
  const int status = running.wait();
  return {status, running.out(), running.err()};
}

std::vector<pid_t> processes_with(const std::string& word) {
  std::vector<pid_t> found;
  for (const pid_t pid : all_processes()) {
    if (pid == getpid()) continue;
    // A zombie's command line is empty.
    if (read_file("/proc/" + std::to_string(pid) + "/cmdline").find(word) != std::string::npos) {
      found.push_back(pid);
    }
  }
  return found;
}

std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> children;
  for (const pid_t one : all_processes()) {
    if (status_field(one, "PPid") == std::to_string(pid)) children.push_back(one);
  }
  return children;
}

int uid_of(pid_t pid) {
  const std::string uids = status_field(pid, "Uid");
  return uids.empty() ? -1 : std::stoi(uids);
}

char state_of(pid_t pid) {
  const std::string state = status_field(pid, "State");
  return state.empty() ? '?' : state.front();
}

std::string why_not_live() {
  if (geteuid() != 0) return "this needs root";
  if (access("/sys/kernel/btf/vmlinux", R_OK) != 0) return "this kernel has no BTF";
  return {};
}

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(milliseconds(10));
  }
  return true;
}

}  // namespace observe::testing
