#include "app/catalogue.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "app/help.h"
#include "app/option_rows.h"
#include "base/text.h"

namespace observe::app {
namespace {

using Json = nlohmann::ordered_json;

const char* type_name(workloads::ParameterType type) {
  switch (type) {
    case workloads::ParameterType::kInteger:
      return "integer";
    case workloads::ParameterType::kReal:
      return "real";
    case workloads::ParameterType::kDuration:
      return "duration";
    case workloads::ParameterType::kChoice:
      return "choice";
    case workloads::ParameterType::kCpuList:
      return "cpu-list";
    case workloads::ParameterType::kPolicy:
      return "policy";
    case workloads::ParameterType::kFlag:
      return "flag";
    case workloads::ParameterType::kIntegerList:
      return "integer-list";
  }
  return "unknown";
}

Json text_or_null(std::string_view text) { return text.empty() ? Json(nullptr) : Json(text); }

Json parameter_json(const workloads::Spec& workload, const workloads::Parameter& parameter) {
  Json choices = Json::array();
  for (const std::string_view choice : parameter.choices) choices.push_back(choice);
  return {{"name", parameter.name},
          {"type", type_name(parameter.type)},
          {"unit", text_or_null(parameter.unit)},
          {"minimum", text_or_null(parameter.minimum)},
          {"maximum", text_or_null(parameter.maximum)},
          {"default", text_or_null(workloads::default_of(workload, parameter))},
          {"choices", std::move(choices)},
          {"help", parameter.help}};
}

// Lines that begin at the margin flow together up to a blank line; indented ones stay lines.
void append_paragraphs(std::string& out, std::string_view words, std::size_t columns) {
  std::string paragraph;
  const auto flush = [&] {
    if (paragraph.empty()) return;
    out += fmt::format("{}\n", fmt::join(text::wrap(paragraph, columns), "\n"));
    paragraph.clear();
  };
  while (!words.empty()) {
    const std::size_t end = std::min(words.find('\n'), words.size());
    const std::string line = text::sanitise(words.substr(0, end));
    words.remove_prefix(std::min(end + 1, words.size()));
    const std::size_t indent = line.find_first_not_of(' ');
    if (indent == 0) {
      if (!paragraph.empty()) paragraph += ' ';
      paragraph += line;
      continue;
    }
    flush();
    if (indent == std::string::npos) {
      out += '\n';
      continue;
    }
    const std::string space(indent, ' ');
    const std::size_t room = columns - std::min(columns, indent);
    out += fmt::format("{0}{1}\n", space,
                       fmt::join(text::wrap(line.substr(indent), room), "\n" + space));
  }
  flush();
}

void append_row(std::string& out, std::string_view left, std::string_view right, std::size_t column,
                std::size_t columns) {
  const std::size_t room = columns > column + 20 ? columns - column : 20;
  const std::vector<std::string> lines = text::wrap(right, room);
  const std::string name = fmt::format("  {}", left);
  // One that does not fit beside the text stands above it.
  const bool beside = text::width(name) + 2 <= column;
  out += beside ? text::fit_left(name, column) : name + "\n" + std::string(column, ' ');
  out += fmt::format("{}\n", fmt::join(lines, "\n" + std::string(column, ' ')));
}

}  // namespace

std::string list_text(std::span<const workloads::Spec> workloads, std::size_t columns) {
  std::size_t widest = 0;
  for (const workloads::Spec& workload : workloads) {
    widest = std::max(widest, workload.name.size());
  }
  std::string out;
  for (const workloads::Spec& workload : workloads) {
    append_row(out, workload.name, fmt::format("{}: {}", workload.idea, workload.summary),
               widest + 4, columns);
  }
  return out +
         "\nRun one:          sudo observe --workload NAME\n"
         "Its explanation:  observe explain NAME\n"
         "Its options:      observe --workload NAME --help\n";
}

std::string list_json(std::span<const workloads::Spec> workloads) {
  Json list = Json::array();
  for (const workloads::Spec& workload : workloads) {
    Json roles = Json::array();
    for (const workloads::Role& role : workload.roles) {
      roles.push_back({{"name", role.name}, {"what", role.what}});
    }
    Json parameters = Json::array();
    for (const auto& parameter : workload.parameters) {
      parameters.push_back(parameter_json(workload, parameter));
    }
    for (const auto& parameter : workloads::common_parameters()) {
      parameters.push_back(parameter_json(workload, parameter));
    }
    list.push_back({{"name", workload.name},
                    {"idea", workload.idea},
                    {"summary", workload.summary},
                    {"roles", std::move(roles)},
                    {"parameters", std::move(parameters)}});
  }
  return list.dump(2) + "\n";
}

std::string explain_text(const workloads::Spec& workload, std::size_t columns) {
  std::string out = fmt::format("{}\n{}\n\n", workload.name, workload.idea);
  append_paragraphs(out, workload.explanation, columns);
  constexpr std::size_t kColumn = 16;
  if (!workload.roles.empty()) out += "\nThreads\n";
  for (const workloads::Role& role : workload.roles) {
    append_row(out, role.name, role.what, kColumn, columns);
  }
  if (!workload.predictions.empty()) out += "\nPredictions\n";
  for (const workloads::PredictionSpec& prediction : workload.predictions) {
    append_row(out, prediction.name, prediction.formula, kColumn, columns);
    if (prediction.inconclusive_when.empty()) continue;
    append_row(out, "", fmt::format("inconclusive when {}", prediction.inconclusive_when), kColumn,
               columns);
  }
  std::vector<OptionGroup> groups = run_options(&workload);
  const auto own =
      std::ranges::find(groups, fmt::format("Options of {}", workload.name), &OptionGroup::title);
  if (own != groups.end()) out += options_help(std::span(&*own, 1), columns);
  return out + fmt::format("\nMore options\n  observe --workload {} --help\n", workload.name);
}

}  // namespace observe::app
