// What a command line asks for, checked: plain values, one type per thing that observe can do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/units.h"
#include "capture/capture.h"
#include "trace/run.h"
#include "workloads/frame/spec.h"

namespace observe::app {

enum class Colour { kAuto, kAlways, kNever };

// What a run and a report have in common.
struct OutputChoice {
  std::optional<std::string> json;  // a file; "-": standard output
  Colour colour = Colour::kAuto;
  bool quiet = false;
  bool strict = false;
};

struct RunInvocation {
  RunKind kind = RunKind::kSystem;
  const workloads::Spec* workload = nullptr;  // kWorkload
  workloads::Values values;                   // kWorkload
  std::vector<std::string> command;           // kCommand
  Pid pid{};                                  // kPid
  std::optional<Nanos> duration;              // a workload has its own
  std::optional<std::string> prefix;
  std::uint64_t buffer_bytes_per_cpu = 0;  // 0: the default
  std::optional<std::uint64_t> seed;
  std::vector<UsdtProbe> usdt;
  int repetitions = 1;  // observations in a row
  OutputChoice output;
};

struct ReportInvocation {
  std::string file;
  OutputChoice output;
};

struct ListInvocation {
  bool json = false;
};

struct ExplainInvocation {
  const workloads::Spec* workload = nullptr;
};

struct DoctorInvocation {
  Colour colour = Colour::kAuto;
};

// --help and --version: printed, and that is all.
struct TextInvocation {
  std::string text;
};

using Invocation = std::variant<RunInvocation, ReportInvocation, ListInvocation, ExplainInvocation,
                                DoctorInvocation, TextInvocation>;

}  // namespace observe::app
