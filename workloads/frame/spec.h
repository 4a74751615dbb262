// What a workload declares, and what it gets to run with. One file per workload, one row in
// registry.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/units.h"

namespace observe::workloads {

class Stage;  // stage.h: threads, gate, markers, stop flag, results

enum class ParameterType {
  kInteger,
  kReal,
  kDuration,
  kChoice,
  kCpuList,
  kFlag,
  kPolicy,
  kIntegerList
};

// An option of a workload: `--name`. Bounds and default are text in the option's own unit, so that
// help, list --json and the parser speak of the same thing.
struct Parameter {
  std::string_view name;
  ParameterType type = ParameterType::kInteger;
  std::string_view unit;                           // "threads", "us", "iterations"; empty: none
  std::string_view minimum, maximum;               // inclusive; empty: none
  std::string_view fallback;                       // the default; empty: absent unless given
  std::span<const std::string_view> choices = {};  // kChoice
  std::string_view help;
};

// Another default for a common parameter.
struct Default {
  std::string_view name;
  std::string_view text;
};

// The effective values, checked: every parameter that has one. The readers want a name that
// has() and the parameter's own type; anything else is a bug.
class Values {
 public:
  void set(std::string name, std::string text) { texts_[std::move(name)] = std::move(text); }
  bool has(std::string_view name) const { return texts_.find(std::string(name)) != texts_.end(); }
  const std::string& text(std::string_view name) const;
  std::int64_t integer(std::string_view name) const;
  double real(std::string_view name) const;
  Nanos duration(std::string_view name) const;
  std::vector<Cpu> cpus(std::string_view name) const;
  std::vector<std::int64_t> integers(std::string_view name) const;
  bool flag(std::string_view name) const;
  const std::map<std::string, std::string>& all() const { return texts_; }

 private:
  std::map<std::string, std::string> texts_;
};

struct Role {
  std::string_view name;  // at most 11 characters: threads are named "role-123"
  std::string_view what;
};

struct PredictionSpec {
  std::string_view name;
  std::string_view formula;
  std::string_view inconclusive_when;
};

// What the threads of a workload ask for beyond the common options. Where it is not permitted the
// workload does without and says so in its ground truth.
struct Rights {
  int nice = 0;               // the lowest of them
  int realtime_priority = 0;  // the highest of them; 0: no real-time policy
};

// What the parser and validate() may ask of the machine and of the caller's rights.
struct Machine {
  std::vector<Cpu> online_cpus;
  std::vector<Cpu> allowed_cpus;  // sched_getaffinity: what cpusets and taskset leave
  std::int64_t thread_limit = 0;  // RLIMIT_NPROC, threads-max; 0: not known
  int realtime_limit = 0;         // highest real-time priority that may be asked for; 0: none
  int nice_limit = 0;             // lowest nice value that may be asked for
  int nice = 0;                   // the caller's own: what threads get that ask for none
};

Machine read_machine();

struct Spec {
  std::string_view name;
  std::string_view idea;         // the row of the table of ideas: "Shared state, races and locks"
  std::string_view summary;      // one line
  std::string_view explanation;  // paragraphs: what it does, what to look for
  std::span<const Parameter> parameters;  // its own, beside the common ones
  std::span<const Default> defaults;      // of common ones, where its own differ
  std::span<const Role> roles;
  std::span<const PredictionSpec> predictions;

  // How many threads run() will create; null: --threads.
  std::int64_t (*thread_count)(const Values& values);
  // May be null: nothing beyond the common options.
  Rights (*rights)(const Values& values);
  // Refuses values that are each valid but impossible together, before anything starts; what
  // concerns the common parameters alone is checked already. May be null.
  Result<void> (*validate)(const Values& values, const Machine& machine);
  // Runs in the workload's process, as the calling user: creates threads, waits at the gate, works.
  Result<void> (*run)(const Values& values, Stage& stage);
};

std::span<const Spec> registry();
const Spec* find(std::string_view name);
// find(), with an Error that suggests the nearest name.
Result<const Spec*> lookup(std::string_view name);
std::span<const Parameter> common_parameters();

// The default of a common parameter or one of the workload's own, for this workload.
std::string_view default_of(const Spec& spec, const Parameter& parameter);

// No workload may have more threads than this, whatever the machine allows.
inline constexpr std::int64_t kMaxThreads = 512;

}  // namespace observe::workloads
