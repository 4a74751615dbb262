// Runs the observe program that was built, with its streams in files.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace observe::testing {

// A folder of its own, removed with everything in it at the end.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ / name; }
  // Names of what is in it, the streams of the programs run there excepted.
  std::vector<std::string> names() const;

 private:
  std::filesystem::path path_;
};

struct RunOptions {
  std::vector<std::string> environment;  // NAME=VALUE, on top of the test's own
  std::string standard_output;           // a file to write to instead of the folder's
  bool without_privileges = false;       // as user 65534, without capabilities
};

// A program that runs in `folder`; killed at the end if it runs still.
class Running {
 public:
  Running(const Folder& folder, std::vector<std::string> words, const RunOptions& options = {});
  ~Running();
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  // The exit status as a shell gives it; a program that does not end fails the test.
  int wait(std::chrono::seconds timeout = std::chrono::seconds(60));
  std::string out() const;
  std::string err() const;

 private:
  pid_t pid_ = -1;
  std::string out_, err_;
};

struct Finished {
  int status = -1;
  std::string out, err;
};

// observe ARGUMENTS…
Finished run_observe(const Folder& folder, std::vector<std::string> arguments,
                     const RunOptions& options = {});
std::vector<std::string> observe_words(std::vector<std::string> arguments);

// Processes whose command line contains `word`, zombies excepted; the test's own excluded.
std::vector<pid_t> processes_with(const std::string& word);
// The children of a process.
std::vector<pid_t> children_of(pid_t pid);
// The real uid of a process; -1 when it is gone.
int uid_of(pid_t pid);

// As ps shows it; '?' when the process is gone.
char state_of(pid_t pid);

// Root, and a kernel with type information; why not, otherwise.
std::string why_not_live();

// Whether `condition` comes to hold within ten seconds.
bool eventually(const std::function<bool()>& condition);

}  // namespace observe::testing
