// What a workload declares, and what it gets to run with. One file per workload, one row in
// registry.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/units.h"

namespace observe::workloads {

class Stage;  // stage.h: threads, gate, markers, stop flag, results

enum class ParameterType { kInteger, kReal, kDuration, kChoice, kCpuList, kFlag };

// An option of a workload: `--name`. Bounds and default are text in the option's own unit, so that
// help, list --json and the parser speak of the same thing.
struct Parameter {
  std::string_view name;
  ParameterType type = ParameterType::kInteger;
  std::string_view unit;           // "threads", "us", "iterations"; empty: none
  std::string_view minimum, maximum;  // inclusive; empty: none
  std::string_view fallback;       // the default
  std::span<const std::string_view> choices;  // kChoice
  std::string_view help;
};

// The effective values, checked: every parameter that the workload has, and the common ones.
class Values {
 public:
  void set(std::string name, std::string text) { texts_[std::move(name)] = std::move(text); }
  bool has(std::string_view name) const { return texts_.find(std::string(name)) != texts_.end(); }
  const std::string& text(std::string_view name) const;
  std::int64_t integer(std::string_view name) const;
  double real(std::string_view name) const;
  Nanos duration(std::string_view name) const;
  std::vector<Cpu> cpus(std::string_view name) const;
  const std::map<std::string, std::string>& all() const { return texts_; }

 private:
  std::map<std::string, std::string> texts_;
};

struct Role {
  std::string_view name;
  std::string_view what;
};

struct PredictionSpec {
  std::string_view name;
  std::string_view formula;
  std::string_view inconclusive_when;
};

struct Spec {
  std::string_view name;
  std::string_view idea;     // the row of the table of ideas: "Shared state, races and locks"
  std::string_view summary;  // one line
  std::string_view explanation;  // paragraphs: what it does, what to look for
  std::span<const Parameter> parameters;  // its own, beside the common ones
  std::span<const Role> roles;
  std::span<const PredictionSpec> predictions;

  // Refuses values that are each valid but impossible together, before anything starts.
  Result<void> (*validate)(const Values& values, const struct Machine& machine);
  // Runs in the workload's process, as the calling user: creates threads, waits at the gate, works.
  Result<void> (*run)(const Values& values, Stage& stage);
};

// What validate() may ask of the machine.
struct Machine {
  std::vector<Cpu> allowed_cpus;  // sched_getaffinity
  std::int64_t thread_limit = 0;  // RLIMIT_NPROC and the like; 0: not known
};

std::span<const Spec> registry();
const Spec* find(std::string_view name);
std::span<const Parameter> common_parameters();

}  // namespace observe::workloads
