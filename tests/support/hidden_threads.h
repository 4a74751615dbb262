// Some vendors' kernels hide tasks from probes and from the task list; the switch that takes such a
// thread off its CPU is then missing, and the check of each CPU's chain fails and says so. That is
// the machine's doing: live tests accept this one failure, and no other.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace observe::testing {

inline bool blames_hidden_threads(const nlohmann::json& check) {
  return check.at("detail").get<std::string>().find("hides from its task list") !=
         std::string::npos;
}

}  // namespace observe::testing
