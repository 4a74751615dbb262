// What workloads that show how fair threads share one CPU refuse alike.
#pragma once

#include <fmt/format.h>

#include "workloads/frame/parameters.h"
#include "workloads/frame/spec.h"

namespace observe::workloads {

// All threads must compete for one CPU, under the policies that share it fairly.
inline Result<void> check_fair_rivals(const Values& values) {
  if (values.text("place") != "one" && values.cpus("cpus").size() > 1) {
    return fail(usage_error("use --place", "the threads are to share one CPU",
                            "--place one, or name one CPU: --cpus 0"));
  }
  const auto policy = parse_policy(values.text("policy"));
  if (policy && (policy->policy == Policy::kOther || policy->policy == Policy::kBatch)) return {};
  return fail(usage_error("use --policy", "this shows how the policies other and batch share a CPU",
                          "--policy other"));
}

inline Result<void> check_thread_count(const Values& values, std::int64_t wanted,
                                       std::string_view instead) {
  if (values.integer("threads") == wanted) return {};
  return fail(usage_error("use --threads", fmt::format("there are {} threads here", wanted),
                          std::string(instead)));
}

}  // namespace observe::workloads
