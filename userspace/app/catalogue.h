// What `observe list` and `observe explain` say, made from the workloads' own declarations.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "workloads/frame/spec.h"

namespace observe::app {

// One line per workload: name, two spaces, idea, summary.
std::string list_text(std::span<const workloads::Spec> workloads, std::size_t columns);
// [{name, idea, summary, roles[], parameters[]}]
std::string list_json(std::span<const workloads::Spec> workloads);

std::string explain_text(const workloads::Spec& workload, std::size_t columns);

}  // namespace observe::app
