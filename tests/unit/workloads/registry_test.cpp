#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "run_workload.h"

namespace observe::workloads {
namespace {

std::string file_of(std::string name) {
  std::ranges::replace(name, '-', '_');
  return name + ".cpp";
}

}  // namespace

TEST_CASE("every workload has its file, and every workload's file its row") {
  std::set<std::string> rows;
  for (const Spec& spec : registry()) rows.insert(file_of(std::string(spec.name)));
  CHECK(rows.size() == registry().size());
  std::set<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(OBSERVE_WORKLOADS_FOLDER)) {
    if (entry.path().extension() != ".cpp") continue;
    std::ifstream file(entry.path());
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    if (text.find("\nSpec ") != std::string::npos) files.insert(entry.path().filename());
  }
  CHECK(rows == files);
}

TEST_CASE("every workload explains itself, and its defaults are values that it takes") {
  for (const Spec& spec : registry()) {
    CAPTURE(spec.name);
    CHECK_FALSE(spec.idea.empty());
    CHECK_FALSE(spec.summary.empty());
    CHECK(spec.summary.find('\n') == std::string_view::npos);
    CHECK(spec.explanation.size() > 500);
    CHECK_FALSE(spec.roles.empty());
    CHECK_FALSE(spec.predictions.empty());
    for (const Role& role : spec.roles) CHECK(role.name.size() <= 11);
    for (const Parameter& parameter : spec.parameters) {
      CHECK_FALSE(parameter.help.empty());
      CHECK(std::ranges::none_of(common_parameters(), [&](const Parameter& common) {
        return common.name == parameter.name;
      }));
    }
    std::vector<Option> defaults;
    for (const auto parameters : {spec.parameters, common_parameters()}) {
      for (const Parameter& parameter : parameters) {
        const std::string_view text = default_of(spec, parameter);
        if (!text.empty()) defaults.push_back({std::string(parameter.name), std::string(text)});
      }
    }
    const auto values = resolve(spec, defaults, read_machine());
    CHECK(values.has_value());
  }
}

TEST_CASE("an unknown workload is answered with the nearest name") {
  REQUIRE(lookup("contended-counter"));
  const auto near = lookup("contented-counter");
  REQUIRE_FALSE(near);
  CHECK(near.error().reason.find("did you mean contended-counter?") != std::string::npos);
  CHECK(near.error().failure == Failure::kUsage);
  CHECK(near.error().action == "find the workload 'contented-counter'");
  CHECK_FALSE(lookup(""));
  CHECK_FALSE(lookup(std::string(1 << 20, 'x')));
}

}  // namespace observe::workloads
