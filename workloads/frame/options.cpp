// The options of a command line, and the values that a workload runs with.
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.h"
#include "workloads/frame/parameters.h"
#include "workloads/frame/placement.h"

namespace observe::workloads {
namespace {

constexpr std::string_view kPlaces[] = {"free", "one", "spread"};

constexpr Parameter kCommon[] = {
    {.name = "threads",
     .type = ParameterType::kInteger,
     .unit = "threads",
     .minimum = "1",
     .maximum = "512",
     .fallback = "2",
     .help = "how many threads work"},
    {.name = "cpus",
     .type = ParameterType::kCpuList,
     .help = "CPUs to use, like 0-2,5; default: all that are allowed"},
    {.name = "place",
     .type = ParameterType::kChoice,
     .fallback = "free",
     .choices = kPlaces,
     .help = "free: the kernel chooses among --cpus; one: all on the first of them; "
             "spread: each thread on a CPU of its own"},
    {.name = "policy",
     .type = ParameterType::kPolicy,
     .fallback = "other",
     .help = "other, batch, idle, fifo:P or rr:P (real-time priority P, 1 to 98)"},
    {.name = "nice",
     .type = ParameterType::kInteger,
     .minimum = "-20",
     .maximum = "19",
     .help = "nice value of all threads; default: the caller's own"},
    {.name = "slice-us",
     .type = ParameterType::kInteger,
     .unit = "us",
     .minimum = "100",
     .maximum = "100000",
     .help = "time slice that all threads ask for (kernels from 6.12 on); default: the kernel's"},
    {.name = "duration",
     .type = ParameterType::kDuration,
     .minimum = "1ms",
     .maximum = "60m",
     .fallback = "1s",
     .help = "how long it works, like 500ms, 3s or 2m"},
    {.name = "ops",
     .type = ParameterType::kInteger,
     .unit = "operations",
     .minimum = "1",
     .maximum = "1000000000000",
     .help = "operations of each thread, instead of --duration"},
    {.name = "warmup",
     .type = ParameterType::kDuration,
     .minimum = "0s",
     .maximum = "60s",
     .fallback = "0s",
     .help = "how long it works before it counts"},
};

std::string shown(std::string_view text) {
  return text::cut(text::sanitise(text.substr(0, 200)), 40);
}

std::vector<const Parameter*> parameters_of(const Spec& spec) {
  std::vector<const Parameter*> all;
  for (const Parameter& parameter : spec.parameters) all.push_back(&parameter);
  for (const Parameter& parameter : kCommon) all.push_back(&parameter);
  return all;
}

Result<const Parameter*> find_parameter(const Spec& spec, std::string_view name) {
  const auto all = parameters_of(spec);
  const auto found = std::ranges::find(all, name, [](const Parameter* p) { return p->name; });
  if (found != all.end()) return *found;
  std::vector<std::string_view> names;
  for (const Parameter* parameter : all) names.push_back(parameter->name);
  const std::string_view near = text::nearest(name.substr(0, 40), names);
  return fail(usage_error(
      fmt::format("use --{}", shown(name)),
      near.empty() ? fmt::format("{} has no such option", spec.name)
                   : fmt::format("{} has no such option; did you mean --{}?", spec.name, near),
      fmt::format("{} has: --{}", spec.name, fmt::join(names, ", --"))));
}

// Two numbers of one kind, compared as the parameter's type has it.
template <class T, class Parse>
Result<void> check_bounds(const Parameter& parameter, std::string_view text, Parse parse) {
  const Result<T> value = parse(text);
  if (!value) return fail(value.error());
  const auto bound = [&](std::string_view limit) { return *parse(limit); };
  const bool low = !parameter.minimum.empty() && *value < bound(parameter.minimum);
  const bool high = !parameter.maximum.empty() && *value > bound(parameter.maximum);
  if (!low && !high) return {};
  return fail(usage_error(
      {}, fmt::format("{} is {}; it goes from {} to {}", text, low ? "too little" : "too much",
                      parameter.minimum.empty() ? "any" : parameter.minimum,
                      parameter.maximum.empty() ? "any" : parameter.maximum)));
}

template <class T>
Result<void> verdict_of(const Result<T>& parsed) {
  if (!parsed) return fail(parsed.error());
  return {};
}

Result<void> check_value(const Parameter& parameter, std::string_view text) {
  switch (parameter.type) {
    case ParameterType::kInteger:
      return check_bounds<std::int64_t>(parameter, text, parse_integer);
    case ParameterType::kIntegerList: {
      const auto values = parse_integer_list(text);
      if (!values) return fail(values.error());
      for (const std::int64_t value : *values) {
        auto checked = check_bounds<std::int64_t>(parameter, std::to_string(value), parse_integer);
        if (!checked) return checked;
      }
      return {};
    }
    case ParameterType::kReal:
      return check_bounds<double>(parameter, text, parse_real);
    case ParameterType::kDuration:
      return check_bounds<Nanos>(parameter, text, parse_duration);
    case ParameterType::kCpuList:
      return verdict_of(parse_cpu_list(text));
    case ParameterType::kPolicy:
      return verdict_of(parse_policy(text));
    case ParameterType::kFlag:
      if (text == "on" || text == "off") return {};
      return fail(usage_error({}, "it is on or off, and takes no other value"));
    case ParameterType::kChoice:
      break;
  }
  if (std::ranges::find(parameter.choices, text) != parameter.choices.end()) return {};
  const std::string_view near =
      text::nearest(text.substr(0, 40), {parameter.choices.begin(), parameter.choices.end()});
  return fail(usage_error(
      {}, fmt::format("it takes {}{}", fmt::join(parameter.choices, ", "),
                      near.empty() ? std::string() : fmt::format(" (did you mean {}?)", near))));
}

}  // namespace

std::span<const Parameter> common_parameters() { return kCommon; }

std::string_view default_of(const Spec& spec, const Parameter& parameter) {
  const auto own = std::ranges::find(spec.defaults, parameter.name, &Default::name);
  return own == spec.defaults.end() ? parameter.fallback : own->text;
}

Result<std::vector<Option>> split_arguments(const Spec& spec,
                                            std::span<const std::string> arguments) {
  std::vector<Option> options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    if (!argument.starts_with("--") || argument.size() == 2) {
      return fail(usage_error(fmt::format("use '{}'", shown(argument)), "options begin with --",
                              fmt::format("see: observe explain {}", spec.name)));
    }
    const std::size_t equals = argument.find('=');
    const std::string_view name =
        argument.substr(2, equals == std::string_view::npos ? equals : equals - 2);
    const auto parameter = find_parameter(spec, name);
    if (!parameter) return fail(parameter.error());
    if (equals != std::string_view::npos) {
      options.push_back({std::string(name), std::string(argument.substr(equals + 1))});
    } else if ((*parameter)->type == ParameterType::kFlag) {
      options.push_back({std::string(name), "on"});
    } else if (++i < arguments.size()) {
      options.push_back({std::string(name), arguments[i]});
    } else {
      return fail(usage_error(fmt::format("use --{}", name), "its value is missing"));
    }
  }
  return options;
}

Result<Values> resolve(const Spec& spec, std::span<const Option> given, const Machine& machine) {
  Values values;
  for (const Option& option : given) {
    const auto parameter = find_parameter(spec, option.name);
    if (!parameter) return fail(parameter.error());
    if (values.has(option.name)) {
      return fail(usage_error(fmt::format("use --{}", option.name), "it was given twice"));
    }
    if (auto checked = check_value(**parameter, option.text); !checked) {
      Error error = checked.error();
      error.action = fmt::format("use --{}", option.name);
      return fail(std::move(error));
    }
    values.set(option.name, option.text);
  }
  if (values.has("duration") && values.has("ops")) {
    return fail(usage_error("use --ops",
                            "--duration is given too, and only one of them can end "
                            "the run",
                            "drop one of the two"));
  }
  for (const Parameter* parameter : parameters_of(spec)) {
    if (values.has(parameter->name)) continue;
    if (parameter->name == "duration" && values.has("ops")) continue;
    const std::string_view text = default_of(spec, *parameter);
    if (!text.empty()) values.set(std::string(parameter->name), std::string(text));
  }
  if (!values.has("nice")) values.set("nice", fmt::format("{}", machine.nice));
  if (!values.has("cpus")) {
    if (machine.allowed_cpus.empty()) {
      return fail(Error{.action = "choose CPUs",
                        .reason = "none is both online and allowed",
                        .advice = "see: taskset -p $$",
                        .failure = Failure::kNotAllowed});
    }
    values.set("cpus", cpu_list_text(machine.allowed_cpus));
  }
  if (auto possible = check_common(spec, values, machine); !possible) return fail(possible.error());
  if (spec.validate != nullptr) {
    if (auto possible = spec.validate(values, machine); !possible) return fail(possible.error());
  }
  return values;
}

}  // namespace observe::workloads
