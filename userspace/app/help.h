// The options of every mode and subcommand, and their help.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/option_rows.h"
#include "workloads/frame/spec.h"

namespace observe::app {

// Of a run; with a workload its options too. nullptr: no workload was named.
std::vector<OptionGroup> run_options(const workloads::Spec* workload);
std::string run_help(const workloads::Spec* workload);

std::vector<OptionGroup> subcommand_options(std::string_view subcommand);
std::string subcommand_help(std::string_view subcommand);

// "default 2, 1 to 512 threads": what may stand for a parameter.
std::string parameter_range(const workloads::Spec& workload, const workloads::Parameter& parameter);

}  // namespace observe::app
