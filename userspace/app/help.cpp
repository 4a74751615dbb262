#include "app/help.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/options.h"
#include "base/check.h"
#include "base/text.h"

namespace observe::app {
namespace {

using workloads::Parameter;
using workloads::ParameterType;

constexpr std::size_t kHelpColumns = 80;

constexpr std::string_view kUsage =
    "usage: observe [OPTIONS] --workload NAME [WORKLOAD OPTIONS]\n"
    "       observe [OPTIONS] --pid PID | --system | -- COMMAND [ARG...]\n"
    "       observe list | explain NAME | report FILE.obs | doctor\n";

const OptionRow kHelpRow{"help", "", "this text"};
const OptionRow kJsonRow{"json", "FILE", "write the numbers as JSON; - is standard output"};
const OptionRow kColourRow{"color", "WHEN", "auto, always or never; NO_COLOR is heeded"};
const OptionRow kQuietRow{"quiet", "", "print nothing but errors"};
const OptionRow kStrictRow{"strict", "",
                           "exit with 4 when events were lost or a self-check failed"};

std::string placeholder(const Parameter& parameter) {
  switch (parameter.type) {
    case ParameterType::kInteger:
      return "N";
    case ParameterType::kReal:
      return "X";
    case ParameterType::kDuration:
      return "T";
    case ParameterType::kChoice:
      return "WHICH";
    case ParameterType::kCpuList:
    case ParameterType::kIntegerList:
      return "LIST";
    case ParameterType::kPolicy:
      return "POLICY";
    case ParameterType::kFlag:
      return "";
  }
  return "X";
}

OptionRow row_of(const workloads::Spec& workload, const Parameter& parameter) {
  std::string help(parameter.help);
  if (const std::string range = parameter_range(workload, parameter); !range.empty()) {
    help += fmt::format(" ({})", range);
  }
  return {std::string(parameter.name), placeholder(parameter), std::move(help)};
}

OptionGroup group_of(const workloads::Spec& workload, std::string title,
                     std::span<const Parameter> parameters) {
  OptionGroup group{std::move(title), {}};
  for (const Parameter& parameter : parameters) group.rows.push_back(row_of(workload, parameter));
  return group;
}

bool has_parameter(const workloads::Spec* workload, std::string_view name) {
  return workload != nullptr &&
         (std::ranges::find(workload->parameters, name, &Parameter::name) !=
              workload->parameters.end() ||
          std::ranges::find(workloads::common_parameters(), name, &Parameter::name) !=
              workloads::common_parameters().end());
}

struct SubcommandText {
  std::string_view name, usage, what;
};
constexpr SubcommandText kSubcommandTexts[] = {
    {"list", "list [--json]", "The workloads: name, idea, one line each."},
    {"explain", "explain NAME",
     "A workload: the idea, what it does, its prediction and formula, what to look for."},
    {"report", "report FILE.obs [OPTIONS]",
     "Makes the summary again from a recording; needs no root and no BPF."},
    {"doctor", "doctor",
     "What this kernel and these privileges allow; what is missing and how to get it."},
};

}  // namespace

std::string short_usage() { return fmt::format("{}see: observe --help", kUsage); }

std::string parameter_range(const workloads::Spec& workload, const Parameter& parameter) {
  std::vector<std::string> parts;
  // Where the help explains each choice, naming them again would only make it longer.
  const bool explained = std::ranges::all_of(parameter.choices, [&](std::string_view choice) {
    return parameter.help.find(choice) != std::string_view::npos;
  });
  if (parameter.type == ParameterType::kChoice && !explained) {
    parts.push_back(fmt::format("{}", fmt::join(parameter.choices, ", ")));
  }
  const std::string unit = parameter.unit.empty() ? "" : fmt::format(" {}", parameter.unit);
  if (!parameter.minimum.empty() && !parameter.maximum.empty()) {
    parts.push_back(fmt::format("{} to {}{}", parameter.minimum, parameter.maximum, unit));
  } else if (!parameter.minimum.empty()) {
    parts.push_back(fmt::format("{}{} or more", parameter.minimum, unit));
  } else if (!parameter.maximum.empty()) {
    parts.push_back(fmt::format("up to {}{}", parameter.maximum, unit));
  }
  const std::string_view fallback = workloads::default_of(workload, parameter);
  if (!fallback.empty() && parameter.type != ParameterType::kFlag) {
    parts.push_back(fmt::format("default {}", fallback));
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}

std::vector<OptionGroup> run_options(const workloads::Spec* workload) {
  std::vector<OptionGroup> groups;
  groups.push_back({"What to observe (one of them)",
                    {{"workload", "NAME", "run a built-in workload; see: observe list"},
                     {"pid", "PID", "a running process and its threads"},
                     {"system", "", "the whole machine"}}});
  if (workload != nullptr) {
    groups.push_back(
        group_of(*workload, fmt::format("Options of {}", workload->name), workload->parameters));
    groups.push_back(
        group_of(*workload, "Options of all workloads", workloads::common_parameters()));
  }
  OptionGroup common{"Options", {}};
  if (!has_parameter(workload, "duration")) {
    common.rows.push_back({"duration", "T", "stop after this time, like 500ms, 3s or 2m"});
  }
  common.rows.push_back({"output", "PREFIX",
                         "record to PREFIX.obs (default: the name of what runs, in this folder); "
                         "-2, -3 and so on when it is taken"});
  common.rows.push_back(kJsonRow);
  common.rows.push_back({"buffer-mib", "N",
                         "memory per CPU between the kernel and the recorder, rounded up to a "
                         "power of two"});
  common.rows.push_back({"usdt", "PATH:PROVIDER:NAME",
                         "record when a thread comes to this USDT probe of a program or library; "
                         "may be given several times. Each hit costs the thread about a "
                         "microsecond. Probes of the provider 'observe' mean what the markers of "
                         "workloads mean: phase, operation_begin, operation_end, task_switch, "
                         "lock_wanted, lock_acquired, lock_released",
                         true});
  common.rows.push_back({"seed", "N",
                         "of what a workload draws at random: arrivals, work, jitter (default: a "
                         "new one); how threads interleave it does not fix"});
  common.rows.push_back({"reps", "N",
                         "observe N times in a row, each into a recording of its own, and show "
                         "medians, spreads and counts of verdicts; with --seed each draws the "
                         "same"});
  for (const OptionRow& row : {kQuietRow, kColourRow, kStrictRow, kHelpRow}) {
    common.rows.push_back(row);
  }
  common.rows.push_back({"version", "", "the version"});
  groups.push_back(std::move(common));
  return groups;
}

std::string run_help(const workloads::Spec* workload) {
  const std::vector<OptionGroup> groups = run_options(workload);
  if (workload != nullptr) {  // what to observe is settled then
    return fmt::format("usage: observe --workload {} [OPTIONS]\n\n{}\n{}", workload->name,
                       workload->summary, options_help(std::span(groups).subspan(1), kHelpColumns));
  }
  std::string out = fmt::format(
      "{}\nWatches the kernel's scheduler while a program runs, and explains what happened.\n",
      kUsage);
  out += options_help(groups, kHelpColumns);
  out += "\nCommands\n";
  for (const SubcommandText& row : kSubcommandTexts) {
    const std::vector<std::string> lines = text::wrap(row.what, kHelpColumns - 22);
    out += fmt::format("  {:<20}{}\n", row.name, fmt::join(lines, "\n" + std::string(22, ' ')));
  }
  out +=
      "\nWhen --duration or Ctrl-C ends a COMMAND, all that came from it ends too; what a\n"
      "COMMAND that ends by itself leaves behind goes on.\n"
      "A workload has options of its own: observe --workload NAME --help lists them.\n"
      "Exit status: 0 observed, or the COMMAND's own; 1 something failed; 2 bad usage;\n"
      "3 this machine or these privileges do not allow it; 4 --strict was not met.\n";
  return out;
}

std::vector<OptionGroup> subcommand_options(std::string_view subcommand) {
  if (subcommand == "list") {
    return {{"Options", {{"json", "", "as JSON, on standard output"}, kHelpRow}}};
  }
  if (subcommand == "report") {
    return {{"Options", {kJsonRow, kQuietRow, kColourRow, kStrictRow, kHelpRow}}};
  }
  if (subcommand == "doctor") return {{"Options", {kColourRow, kHelpRow}}};
  return {{"Options", {kHelpRow}}};
}

std::string subcommand_help(std::string_view subcommand) {
  const auto* row = std::ranges::find(kSubcommandTexts, subcommand, &SubcommandText::name);
  OBSERVE_CHECK(row != std::end(kSubcommandTexts));
  const std::vector<std::string> what = text::wrap(row->what, kHelpColumns);
  return fmt::format("usage: observe {}\n\n{}\n{}", row->usage, fmt::join(what, "\n"),
                     options_help(subcommand_options(subcommand), kHelpColumns));
}

}  // namespace observe::app
