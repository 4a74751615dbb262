#include "observed.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include <fmt/core.h>

namespace observe::testing {
namespace {

// Its threads' name, which no command under test has.
constexpr const char* kLauncher = "count_switches";

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// Runs a program with its standard streams in files; its exit status as a shell gives it.
int run(const std::vector<std::string>& words, const ScratchFolder& folder) {
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) {
    const int in = ::open("/dev/null", O_RDONLY);
    const int out = ::open(folder.file("stdout").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const int err = ::open(folder.file("stderr").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (in < 0 || out < 0 || err < 0 || ::chdir(folder.path().c_str()) != 0 || ::dup2(in, 0) < 0 ||
        ::dup2(out, 1) < 0 || ::dup2(err, 2) < 0) {
      ::_exit(126);
    }
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child) throw std::runtime_error("waitpid failed");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool observed_and_not_launcher(const nlohmann::json& thread) {
  return thread.at("target").get<bool>() && thread.at("name") != kLauncher;
}

}  // namespace

ScratchFolder::ScratchFolder() {
  std::string pattern = std::filesystem::temp_directory_path() / "observe-test-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  path_ = pattern;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;  // a folder left in /tmp is no reason to end the test program
  std::filesystem::remove_all(path_, ignored);
}

void ScratchFolder::write(const std::string& name, const std::string& text) const {
  std::ofstream out(file(name), std::ios::binary);
  out << text;
  out.close();
  if (!out) throw std::runtime_error("cannot write " + file(name));
}

std::uint64_t Observed::switches(const std::string& kind) const {
  std::uint64_t sum = 0;
  for (const nlohmann::json& thread : summary.at("threads")) {
    if (observed_and_not_launcher(thread)) {
      sum += thread.at("switches").at(kind).get<std::uint64_t>();
    }
  }
  return sum;
}

std::uint64_t Observed::all_switches() const {
  return switches("preempted") + switches("yielded") + switches("blocked") + switches("exited");
}

Observed run_observe(const ScratchFolder& folder, std::vector<std::string> arguments) {
  const std::string json = folder.file("summary.json");
  std::filesystem::remove(json);
  std::vector<std::string> words{OBSERVE_PROGRAM, "--json", json, "--output",
                                 folder.file("recording")};
  words.insert(words.end(), arguments.begin(), arguments.end());
  Observed result;
  result.status = run(words, folder);
  result.messages = read_file(folder.file("stderr"));
  const std::string text = read_file(json);
  if (!text.empty()) result.summary = nlohmann::json::parse(text);
  return result;
}

Observed observe_command(const ScratchFolder& folder, std::vector<std::string> command) {
  const std::string count = folder.file("switches");
  std::vector<std::string> words{"--", COUNT_SWITCHES_PROGRAM, count};
  words.insert(words.end(), command.begin(), command.end());
  Observed result = run_observe(folder, words);
  const std::string text = read_file(count);
  if (!text.empty()) result.rusage_switches = std::stoull(text);
  return result;
}

bool has_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "/usr/bin:/bin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (::access((folder + "/" + name).c_str(), X_OK) == 0) return true;
  }
  return false;
}

std::string why_not_live() {
  if (::geteuid() != 0) return "loading probes needs root";
  if (::access("/sys/kernel/btf/vmlinux", R_OK) != 0) return "this kernel has no BTF";
  return "";
}

std::vector<std::string> broken_promises(const Observed& observed) {
  std::vector<std::string> broken;
  if (observed.summary.is_null()) return {"there is no summary: " + observed.messages};
  const nlohmann::json& summary = observed.summary;
  if (const auto lost = summary.at("capture").at("lost").get<std::uint64_t>(); lost != 0) {
    broken.push_back(fmt::format("{} events were lost", lost));
  }
  if (summary.at("self_checks").empty()) broken.emplace_back("no self-check was made");
  for (const nlohmann::json& check : summary.at("self_checks")) {
    if (check.value("promised", true) && !check.at("passed").get<bool>()) {
      broken.push_back("a self-check failed: " + check.dump());
    }
  }
  for (const nlohmann::json& thread : summary.at("threads")) {
    if (!thread.at("target").get<bool>() || thread.at("kernel_account").is_null()) continue;
    const nlohmann::json& account = thread.at("kernel_account");
    std::uint64_t seen = 0;
    for (const nlohmann::json& count : thread.at("switches")) seen += count.get<std::uint64_t>();
    const auto kept =
        account.at("nvcsw").get<std::uint64_t>() + account.at("nivcsw").get<std::uint64_t>();
    if (seen != kept) {
      broken.push_back(fmt::format("thread {} ({}): {} switches seen, {} in the kernel's account",
                                   thread.at("tid").dump(), thread.at("name").dump(), seen, kept));
    }
  }
  return broken;
}

std::vector<std::uint32_t> bpf_programs() {
  std::vector<std::uint32_t> ids;
  bpf_attr attr{};
  while (::syscall(SYS_bpf, BPF_PROG_GET_NEXT_ID, &attr, sizeof attr) == 0) {
    ids.push_back(attr.next_id);
    attr.start_id = attr.next_id;
  }
  if (errno != ENOENT) throw std::runtime_error("cannot list the BPF programs");
  return ids;
}

}  // namespace observe::testing
