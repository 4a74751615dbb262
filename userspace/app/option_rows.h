// Long options as rows of a table: the same row declares an option to the parser and prints its
// help, so that the two cannot differ.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace observe::app {

struct OptionRow {
  std::string name;   // without dashes
  std::string value;  // what stands for its value in help; empty: a flag
  std::string help;
  bool repeatable = false;  // each time with another value
};

struct OptionGroup {
  std::string title;
  std::vector<OptionRow> rows;
};

// What was given, as text.
struct Given {
  std::map<std::string, std::string> options;             // a flag's text is empty
  std::map<std::string, std::vector<std::string>> lists;  // of repeatable options, in order
  std::vector<std::string> positionals;                   // in order
  std::vector<std::string> unknown;  // what looks like an option and is none, in order

  bool has(const std::string& name) const { return options.contains(name); }
  std::optional<std::string> text(const std::string& name) const;
};

// Takes `--name value` and `--name=value`; nothing is abbreviated. An Error for an option that is
// given twice, without its value, or with one that it does not take.
Result<Given> parse_options(std::span<const OptionGroup> groups,
                            std::span<const std::string> arguments);

// An Error for the first unknown option or unexpected argument, naming the nearest option.
Result<void> refuse_unknown(const Given& given, std::span<const OptionGroup> groups,
                            std::size_t positionals_allowed);

// The rows of all groups, aligned and wrapped to `columns`.
std::string options_help(std::span<const OptionGroup> groups, std::size_t columns);

}  // namespace observe::app
