// Turns the text of options into checked values. All text is hostile: nonsense, overflow, missing
// units and CPUs that are not there are refused, saying why.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "workloads/frame/spec.h"

namespace observe::workloads {

// The Errors of these say only why the text is wrong (Error::reason); the caller knows the option.
Result<std::int64_t> parse_integer(std::string_view text);
// 0,5 or -3,0,0: in the order given, which may repeat; at most 64.
Result<std::vector<std::int64_t>> parse_integer_list(std::string_view text);
Result<double> parse_real(std::string_view text);     // finite
Result<Nanos> parse_duration(std::string_view text);  // 10us, 500ms, 1.5s, 2m; not negative
Result<std::vector<Cpu>> parse_cpu_list(std::string_view text);  // 0-2,5; sorted, without doubles

enum class Policy { kOther, kBatch, kIdle, kFifo, kRoundRobin };
struct PolicyChoice {
  Policy policy = Policy::kOther;
  int priority = 0;  // 1..99 for the real-time policies
  bool realtime() const { return policy == Policy::kFifo || policy == Policy::kRoundRobin; }
};
Result<PolicyChoice> parse_policy(std::string_view text);  // other, batch, idle, fifo:P, rr:P

// One `--name text` of the command line.
struct Option {
  std::string name;  // without dashes
  std::string text;
};

// Splits `--name text`, `--name=text` and flags. An option that the workload does not have is an
// Error that names the nearest and all it has.
Result<std::vector<Option>> split_arguments(const Spec& spec,
                                            std::span<const std::string> arguments);

// The effective values: what was given, over the workload's defaults. Checks every value by itself
// and all together, the workload's own validate() included.
Result<Values> resolve(const Spec& spec, std::span<const Option> given, const Machine& machine);

}  // namespace observe::workloads
