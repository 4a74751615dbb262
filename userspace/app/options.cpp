#include "app/options.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include <fmt/format.h>

#include "app/help.h"
#include "app/option_rows.h"
#include "app/usdt.h"
#include "app/version.h"
#include "base/text.h"
#include "workloads/frame/parameters.h"

namespace observe::app {
namespace {

using workloads::Parameter;
using Arguments = std::span<const std::string>;

constexpr std::int64_t kHighestPid = 1 << 22;  // PID_MAX_LIMIT of 64-bit kernels
constexpr double kLeastBufferMib = 1.0 / 256;  // one page
constexpr double kMostBufferMib = 1024;
constexpr std::int64_t kMostRepetitions = 1000;
constexpr Nanos kLeastDuration = std::chrono::milliseconds{1};
constexpr Nanos kMostDuration = std::chrono::hours{24};

Error wrong_value(std::string_view option, const std::string& value, const std::string& why) {
  return usage_error(
      fmt::format("use '{}' for --{}", text::cut(text::sanitise(value.substr(0, 200)), 40), option),
      why);
}

// Reads an option with one of the workloads' parsers, whose Errors say only why.
template <class T>
Result<std::optional<T>> read(const Given& given, const std::string& name,
                              Result<T> (*parse)(std::string_view)) {
  const std::optional<std::string> text = given.text(name);
  if (!text) return std::nullopt;
  const Result<T> value = parse(*text);
  if (!value) return fail(wrong_value(name, *text, value.error().reason));
  return *value;
}

Result<Colour> read_colour(const Given& given) {
  const std::string text = given.text("color").value_or("auto");
  if (text == "auto") return Colour::kAuto;
  if (text == "always") return Colour::kAlways;
  if (text == "never") return Colour::kNever;
  return fail(wrong_value("color", text, "it is auto, always or never"));
}

Result<OutputChoice> read_output(const Given& given) {
  const Result<Colour> colour = read_colour(given);
  if (!colour) return fail(colour.error());
  OutputChoice output{.json = given.text("json"),
                      .colour = *colour,
                      .quiet = given.has("quiet"),
                      .strict = given.has("strict")};
  if (output.json && output.json->empty()) {
    return fail(wrong_value("json", "", "it takes a file name, or - for standard output"));
  }
  return output;
}

Result<std::uint64_t> read_buffer(const Given& given) {
  const auto mib = read<double>(given, "buffer-mib", workloads::parse_real);
  if (!mib) return fail(mib.error());
  if (!*mib) return 0;
  if (**mib < kLeastBufferMib || **mib > kMostBufferMib) {
    return fail(
        wrong_value("buffer-mib", *given.text("buffer-mib"),
                    fmt::format("it goes from {:.3f} to {:.0f}", kLeastBufferMib, kMostBufferMib)));
  }
  return std::bit_ceil(static_cast<std::uint64_t>(std::ceil(**mib * 1024 * 1024)));
}

Result<std::optional<Nanos>> read_duration(const Given& given) {
  auto duration = read<Nanos>(given, "duration", workloads::parse_duration);
  if (duration && *duration && (**duration < kLeastDuration || **duration > kMostDuration)) {
    return fail(wrong_value("duration", *given.text("duration"), "it goes from 1ms to 24 hours"));
  }
  return duration;
}

Result<std::optional<std::uint64_t>> read_seed(const Given& given) {
  const auto seed = read<std::int64_t>(given, "seed", workloads::parse_integer);
  if (!seed) return fail(seed.error());
  if (!*seed) return std::nullopt;
  if (**seed < 0) return fail(wrong_value("seed", *given.text("seed"), "it is not negative"));
  return static_cast<std::uint64_t>(**seed);
}

Result<int> read_repetitions(const Given& given, const RunInvocation& run) {
  const auto count = read<std::int64_t>(given, "reps", workloads::parse_integer);
  if (!count) return fail(count.error());
  if (!*count) return 1;
  const std::string text = *given.text("reps");
  if (**count < 1 || **count > kMostRepetitions) {
    return fail(wrong_value("reps", text, fmt::format("it goes from 1 to {}", kMostRepetitions)));
  }
  const bool endless = run.kind == RunKind::kPid || run.kind == RunKind::kSystem;
  if (**count > 1 && endless && !run.duration) {
    return fail(wrong_value("reps", text,
                            "what is observed does not end by itself, so that each "
                            "repetition takes a --duration"));
  }
  return static_cast<int>(**count);
}

Result<Pid> read_pid(const Given& given) {
  const auto pid = read<std::int64_t>(given, "pid", workloads::parse_integer);
  if (!pid) return fail(pid.error());
  if (**pid < 1 || **pid > kHighestPid) {
    return fail(wrong_value("pid", *given.text("pid"),
                            fmt::format("process ids go from 1 to {}", kHighestPid)));
  }
  return Pid{static_cast<std::uint32_t>(**pid)};
}

// The workload is needed before the options are read, because it decides which there are.
Result<const workloads::Spec*> named_workload(Arguments arguments) {
  constexpr std::string_view kOption = "--workload";
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    if (argument == kOption && i + 1 < arguments.size()) return workloads::lookup(arguments[i + 1]);
    if (argument.starts_with("--workload=") && argument.size() > kOption.size() + 1) {
      return workloads::lookup(argument.substr(kOption.size() + 1));
    }
  }
  return nullptr;
}

Result<workloads::Values> read_values(const Given& given, const workloads::Spec& workload,
                                      const workloads::Machine& machine) {
  std::vector<workloads::Option> options;
  const auto take = [&](const Parameter& parameter) {
    const std::optional<std::string> text = given.text(std::string(parameter.name));
    if (!text) return;
    const bool flag = parameter.type == workloads::ParameterType::kFlag;
    options.push_back({std::string(parameter.name), flag ? "on" : *text});
  };
  std::ranges::for_each(workload.parameters, take);
  std::ranges::for_each(workloads::common_parameters(), take);
  return workloads::resolve(workload, options, machine);
}

Result<RunKind> read_mode(const Given& given, bool has_command) {
  std::vector<std::pair<RunKind, std::string_view>> modes;
  if (given.has("workload")) modes.emplace_back(RunKind::kWorkload, "--workload");
  if (given.has("pid")) modes.emplace_back(RunKind::kPid, "--pid");
  if (given.has("system")) modes.emplace_back(RunKind::kSystem, "--system");
  if (has_command) modes.emplace_back(RunKind::kCommand, "-- COMMAND");
  if (modes.size() == 1) return modes.front().first;
  if (modes.empty()) {
    return fail(usage_error("tell what to observe", "no mode is given", short_usage()));
  }
  return fail(usage_error("observe two things at once",
                          fmt::format("both {} and {} are given", modes[0].second, modes[1].second),
                          "give one of --workload, --pid, --system and -- COMMAND"));
}

Result<Invocation> parse_run(Arguments arguments, const workloads::Machine& machine) {
  const auto separator = std::ranges::find(arguments, "--");
  const bool has_command = separator != arguments.end();
  const Arguments own(arguments.begin(), separator);
  const Result<const workloads::Spec*> workload = named_workload(own);
  if (!workload) return fail(workload.error());

  const std::vector<OptionGroup> groups = run_options(*workload);
  const Result<Given> given = parse_options(groups, own);
  if (!given) return fail(given.error());
  if (given->has("help")) return TextInvocation{run_help(*workload)};
  if (given->has("version")) return TextInvocation{fmt::format("observe {}\n", kVersion)};
  if (*workload != nullptr && !given->unknown.empty()) {
    // The workload's own error names the options that it has.
    const auto split = workloads::split_arguments(**workload, given->unknown);
    if (!split) return fail(split.error());
  }
  if (const auto known = refuse_unknown(*given, groups, 0); !known) return fail(known.error());

  RunInvocation run;
  const Result<RunKind> kind = read_mode(*given, has_command);
  if (!kind) return fail(kind.error());
  run.kind = *kind;
  if (run.kind == RunKind::kWorkload) {
    run.workload = *workload;
    Result<workloads::Values> values = read_values(*given, **workload, machine);
    if (!values) return fail(values.error());
    run.values = std::move(*values);
  } else {
    const auto duration = read_duration(*given);
    if (!duration) return fail(duration.error());
    run.duration = *duration;
  }
  if (run.kind == RunKind::kPid) {
    const Result<Pid> pid = read_pid(*given);
    if (!pid) return fail(pid.error());
    run.pid = *pid;
  }
  if (run.kind == RunKind::kCommand) {
    run.command.assign(separator + 1, arguments.end());
    if (run.command.empty() || run.command.front().empty()) {
      return fail(usage_error("run a command", "none is given behind --",
                              "for example: observe -- make -j4"));
    }
  }
  run.prefix = given->text("output");
  if (run.prefix && (run.prefix->empty() || run.prefix->ends_with('/'))) {
    return fail(wrong_value("output", *run.prefix,
                            "it is a file name without its ending, like results/run"));
  }
  const Result<std::uint64_t> buffer = read_buffer(*given);
  if (!buffer) return fail(buffer.error());
  run.buffer_bytes_per_cpu = *buffer;
  if (const auto found = given->lists.find("usdt"); found != given->lists.end()) {
    Result<std::vector<UsdtProbe>> usdt = parse_usdt(found->second);
    if (!usdt) return fail(usdt.error());
    run.usdt = std::move(*usdt);
  }
  const auto seed = read_seed(*given);
  if (!seed) return fail(seed.error());
  run.seed = *seed;
  const Result<int> repetitions = read_repetitions(*given, run);
  if (!repetitions) return fail(repetitions.error());
  run.repetitions = *repetitions;
  const Result<OutputChoice> output = read_output(*given);
  if (!output) return fail(output.error());
  run.output = *output;
  return run;
}

Result<std::string> only_argument(const Given& given, std::string_view subcommand,
                                  std::string_view what) {
  if (given.positionals.empty() || given.positionals.front().empty()) {
    return fail(usage_error(fmt::format("{}", subcommand), fmt::format("no {} is given", what),
                            fmt::format("see: observe {} --help", subcommand)));
  }
  return given.positionals.front();
}

Result<Invocation> make_report(const Given& given) {
  const Result<std::string> file = only_argument(given, "report", "recording");
  if (!file) return fail(file.error());
  const Result<OutputChoice> output = read_output(given);
  if (!output) return fail(output.error());
  return ReportInvocation{.file = *file, .output = *output};
}

Result<Invocation> make_list(const Given& given) { return ListInvocation{given.has("json")}; }

Result<Invocation> make_explain(const Given& given) {
  const Result<std::string> name = only_argument(given, "explain", "workload");
  if (!name) return fail(name.error());
  const Result<const workloads::Spec*> workload = workloads::lookup(*name);
  if (!workload) return fail(workload.error());
  return ExplainInvocation{*workload};
}

Result<Invocation> make_doctor(const Given& given) {
  const Result<Colour> colour = read_colour(given);
  if (!colour) return fail(colour.error());
  return DoctorInvocation{*colour};
}

// The one table of subcommands; their options and help stand in help.cpp.
struct SubcommandRow {
  std::string_view name;
  std::size_t arguments;
  Result<Invocation> (*make)(const Given& given);
};
constexpr SubcommandRow kSubcommands[] = {
    {"list", 0, make_list},
    {"explain", 1, make_explain},
    {"report", 1, make_report},
    {"doctor", 0, make_doctor},
};

Result<Invocation> parse_subcommand(const SubcommandRow& row, Arguments arguments) {
  const std::vector<OptionGroup> groups = subcommand_options(row.name);
  const Result<Given> given = parse_options(groups, arguments);
  if (!given) return fail(given.error());
  if (given->has("help")) return TextInvocation{subcommand_help(row.name)};
  if (const auto known = refuse_unknown(*given, groups, row.arguments); !known) {
    return fail(known.error());
  }
  return row.make(*given);
}

}  // namespace

Result<Invocation> parse_command_line(Arguments arguments, const workloads::Machine& machine) {
  if (arguments.empty()) return parse_run(arguments, machine);
  const std::string& first = arguments.front();
  const auto* row = std::ranges::find(kSubcommands, first, &SubcommandRow::name);
  if (row != std::end(kSubcommands)) return parse_subcommand(*row, arguments.subspan(1));
  if (!first.starts_with('-')) {
    std::vector<std::string_view> names;
    for (const SubcommandRow& known : kSubcommands) names.push_back(known.name);
    const std::string_view near = text::nearest(first, names);
    return fail(
        usage_error(fmt::format("do '{}'", text::cut(text::sanitise(first.substr(0, 200)), 40)),
                    near.empty() ? std::string("it is no subcommand")
                                 : fmt::format("it is no subcommand; did you mean {}?", near),
                    fmt::format("a command to observe stands behind --\n{}", short_usage())));
  }
  return parse_run(arguments, machine);
}

}  // namespace observe::app
