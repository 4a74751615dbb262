// Runs a workload from its options to its results, without an observer.
#pragma once

#include <poll.h>

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.h"
#include "workloads/frame/launcher.h"
#include "workloads/frame/parameters.h"
#include "workloads/frame/spec.h"

namespace observe::workloads {

inline Result<Values> values_for(const std::string& name, const std::vector<std::string>& arguments,
                                 const Machine& machine = read_machine()) {
  const Spec* spec = find(name);
  REQUIRE(spec != nullptr);
  const auto options = split_arguments(*spec, arguments);
  if (!options) return fail(options.error());
  return resolve(*spec, *options, machine);
}

struct Performance {
  WorkloadInfo results;
  std::vector<Marker> markers;
  std::uint64_t dropped = 0;
};

inline std::vector<Marker> take_all(Launched& launched) {
  std::vector<Marker> markers;
  for (std::uint32_t lane = 0; lane < launched.lanes(); ++lane) {
    std::vector<Marker> some(4096);
    while (const std::size_t count = launched.take(lane, some)) {
      markers.insert(markers.end(), some.begin(), some.begin() + static_cast<long>(count));
    }
  }
  return markers;
}

inline Result<Performance> perform(const std::string& name,
                                   const std::vector<std::string>& arguments,
                                   const std::function<void(Launched&)>& meanwhile = {}) {
  const auto values = values_for(name, arguments);
  if (!values) return fail(values.error());
  auto launched = launch(*find(name), *values, 1, {});
  if (!launched) return fail(launched.error());
  if (auto ready = launched->wait_ready(); !ready) return fail(ready.error());
  if (auto open = launched->open_gate(); !open) return fail(open.error());
  if (meanwhile) {
    meanwhile(*launched);
  } else {
    // As the session does: until it has something to say.
    pollfd fd{.fd = launched->done_fd(), .events = POLLIN, .revents = 0};
    poll(&fd, 1, 20'000);
  }
  auto results = launched->finish();
  if (!results) return fail(results.error());
  return Performance{*std::move(results), take_all(*launched), launched->dropped()};
}

inline std::int64_t integer(const std::map<std::string, Fact>& truth, const std::string& name) {
  const auto found = truth.find(name);
  REQUIRE(found != truth.end());
  return std::get<std::int64_t>(found->second);
}

}  // namespace observe::workloads
