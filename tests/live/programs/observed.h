// Runs the observe program that was built, on a command not written here, and gives back its JSON.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace observe::testing {

struct Observed {
  int status = -1;                    // as a shell gives it
  std::string messages;               // standard error
  nlohmann::json summary;             // null when there is none
  std::uint64_t rusage_switches = 0;  // of the command's processes that were waited for

  // Sums of switches{…} over the observed threads, those of the launcher of the command excepted.
  std::uint64_t switches(const std::string& kind) const;
  std::uint64_t all_switches() const;
};

// A folder of its own, removed with everything in it at the end.
class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  void write(const std::string& name, const std::string& text) const;

 private:
  std::string path_;
};

// observe ARGUMENTS… --json …; the working directory is `folder`.
Observed run_observe(const ScratchFolder& folder, std::vector<std::string> arguments);

// observe -- COMMAND…, by way of a launcher that asks wait4(2) how often the command and what it
// waited for were switched.
Observed observe_command(const ScratchFolder& folder, std::vector<std::string> command);

// Whether a program can be found in PATH.
bool has_program(const std::string& name);

// Root, and a kernel with type information; why not, otherwise.
std::string why_not_live();

// What every observation promises, with a sentence for each promise that was broken.
std::vector<std::string> broken_promises(const Observed& observed);

// The ids of all BPF programs in the kernel, ascending.
std::vector<std::uint32_t> bpf_programs();

}  // namespace observe::testing
