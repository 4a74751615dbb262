#include "app/option_rows.h"

#include <algorithm>
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/text.h"

namespace observe::app {
namespace {

std::string in_quotes(std::string_view argument) {
  constexpr std::size_t kShown = 60;
  return fmt::format("'{}'", text::cut(text::sanitise(argument.substr(0, 4 * kShown)), kShown));
}

std::string_view name_of(std::string_view argument) {
  argument.remove_prefix(std::min(argument.find_first_not_of('-'), argument.size()));
  return argument.substr(0, argument.find('='));
}

// What CLI11 would let through: it takes the next argument as the value of `--name=`, and gives
// flags values.
Result<void> refuse_odd_values(std::span<const OptionGroup> groups,
                               std::span<const std::string> arguments) {
  for (const std::string& argument : arguments) {
    const std::size_t equals = argument.find('=');
    if (!argument.starts_with("--") || equals == std::string::npos) continue;
    if (equals == argument.size() - 1) {
      return fail(
          usage_error(fmt::format("use {}", in_quotes(argument)), "it has no value after ="));
    }
    for (const OptionGroup& group : groups) {
      const bool flag = std::ranges::any_of(group.rows, [&](const OptionRow& row) {
        return row.value.empty() && row.name == name_of(argument);
      });
      if (flag) {
        return fail(usage_error(fmt::format("use {}", in_quotes(argument)), "it takes no value"));
      }
    }
  }
  return {};
}

}  // namespace

std::optional<std::string> Given::text(const std::string& name) const {
  const auto found = options.find(name);
  return found == options.end() ? std::nullopt : std::optional(found->second);
}

Result<Given> parse_options(std::span<const OptionGroup> groups,
                            std::span<const std::string> arguments) {
  if (const auto plain = refuse_odd_values(groups, arguments); !plain) return fail(plain.error());
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  std::map<std::string, std::string> texts;
  std::map<std::string, std::vector<std::string>> lists;
  std::map<std::string, CLI::Option*> declared;
  for (const OptionGroup& group : groups) {
    for (const OptionRow& row : group.rows) {
      if (row.repeatable) {
        app.add_option("--" + row.name, lists[row.name])
            ->expected(1)
            ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
        continue;
      }
      declared[row.name] = row.value.empty()
                               ? app.add_flag("--" + row.name)
                               : app.add_option("--" + row.name, texts[row.name])
                                     ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    }
  }
  try {
    // CLI11 takes them from the back.
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    return fail(usage_error("read the command line", error.what(), "see: observe --help"));
  }
  Given given;
  for (const auto& [name, option] : declared) {
    if (option->count() == 0) continue;
    if (option->count() > 1) {
      return fail(usage_error(fmt::format("use --{}", name), "it is given more than once"));
    }
    given.options[name] = texts[name];
  }
  given.lists = std::move(lists);
  for (std::string& argument : app.remaining()) {
    const bool option = argument.size() > 1 && argument.starts_with('-');
    (option ? given.unknown : given.positionals).push_back(std::move(argument));
  }
  return given;
}

Result<void> refuse_unknown(const Given& given, std::span<const OptionGroup> groups,
                            std::size_t positionals_allowed) {
  if (!given.unknown.empty()) {
    const std::string& argument = given.unknown.front();
    std::vector<std::string_view> names;
    for (const OptionGroup& group : groups) {
      for (const OptionRow& row : group.rows) names.push_back(row.name);
    }
    const std::string_view near = text::nearest(name_of(argument), names);
    return fail(usage_error(fmt::format("use {}", in_quotes(argument)),
                            near.empty()
                                ? std::string("there is no such option")
                                : fmt::format("there is no such option; did you mean --{}?", near),
                            fmt::format("there are: --{}", fmt::join(names, ", --"))));
  }
  if (given.positionals.size() > positionals_allowed) {
    return fail(usage_error(
        fmt::format("use {}", in_quotes(given.positionals[positionals_allowed])),
        "nothing is expected there", "a command to observe stands behind --; see: observe --help"));
  }
  return {};
}

std::string options_help(std::span<const OptionGroup> groups, std::size_t columns) {
  constexpr std::size_t kHelpColumn = 22;
  std::string out;
  for (const OptionGroup& group : groups) {
    if (group.rows.empty()) continue;
    out += fmt::format("\n{}\n", group.title);
    for (const OptionRow& row : group.rows) {
      std::string left = fmt::format("  --{}", row.name);
      if (!row.value.empty()) left += fmt::format(" {}", row.value);
      const bool beside = left.size() + 2 <= kHelpColumn;
      out +=
          beside ? text::fit_left(left, kHelpColumn) : left + "\n" + std::string(kHelpColumn, ' ');
      const std::vector<std::string> lines = text::wrap(row.help, columns - kHelpColumn);
      out += fmt::format("{}\n", fmt::join(lines, "\n" + std::string(kHelpColumn, ' ')));
    }
  }
  return out;
}

}  // namespace observe::app
