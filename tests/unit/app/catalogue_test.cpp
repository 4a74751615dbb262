#include "app/catalogue.h"

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "support/catch.h"

namespace observe::app {

TEST_CASE("every workload stands in the list, its name first") {
  const std::string text = list_text(workloads::registry(), 80);
  for (const workloads::Spec& workload : workloads::registry()) {
    // Completions read the name up to two spaces.
    CHECK(text.find("  " + std::string(workload.name) + "  ") != std::string::npos);
  }
}

TEST_CASE("the list as JSON has what the contract promises") {
  const auto list = nlohmann::json::parse(list_json(workloads::registry()));
  REQUIRE(list.is_array());
  REQUIRE(list.size() == workloads::registry().size());
  for (const auto& workload : list) {
    for (const char* key : {"name", "idea", "summary"}) CHECK(workload.at(key).is_string());
    REQUIRE(workload.at("parameters").is_array());
    CHECK_FALSE(workload.at("parameters").empty());
    CHECK(workload.at("roles").is_array());
    for (const auto& parameter : workload.at("parameters")) {
      CHECK(parameter.at("name").is_string());
      CHECK(parameter.at("type") != "unknown");
      CHECK(parameter.contains("default"));
    }
  }
}

TEST_CASE("an explanation fits the terminal") {
  for (const workloads::Spec& workload : workloads::registry()) {
    for (const std::size_t columns : {60u, 80u, 200u}) {
      const std::string text = explain_text(workload, columns);
      for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        REQUIRE(end != std::string::npos);
        INFO(text.substr(at, end - at));
        CHECK(text::width(text.substr(at, end - at)) <= columns);
        at = end + 1;
      }
      for (const auto& prediction : workload.predictions) {
        CHECK(text.find(prediction.name) != std::string::npos);
      }
    }
  }
}

}  // namespace observe::app
