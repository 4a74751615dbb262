// The table of workloads: one row each.
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.h"
#include "workloads/frame/spec.h"
#include "workloads/specs.h"

namespace observe::workloads {

std::span<const Spec> registry() {
  static const Spec kRows[] = {
      // Shared state, races and locks
      contended_counter(),
      lock_convoy(),
      lock_holder_preemption(),
      priority_inversion(),
      readers_writers(),
      deadlock(),
      dining_philosophers(),
      // Concurrency and parallelism
      preemptible_spinners(),
      fork_join(),
      amdahl(),
      barrier_stragglers(),
      oversubscribe(),
      placement(),
      ping_pong(),
      false_sharing(),
      // Cooperative and preemptive multitasking
      coop_tasks(),
      coop_hog(),
      yielders(),
      yield_vs_spin(),
      sleeper(),
      fair_shares(),
      custom_slices(),
      // Throughput and latency
      batching(),
      open_loop(),
      waiting_room(),
      producer_consumer(),
      thundering_herd(),
      // Synchronous and asynchronous execution
      sync_async_io(),
  };
  return kRows;
}

const Spec* find(std::string_view name) {
  const auto rows = registry();
  const auto row = std::ranges::find(rows, name, &Spec::name);
  return row == rows.end() ? nullptr : &*row;
}

Result<const Spec*> lookup(std::string_view name) {
  if (const Spec* spec = find(name)) return spec;
  std::vector<std::string_view> names;
  for (const Spec& spec : registry()) names.push_back(spec.name);
  const std::string_view near = text::nearest(name.substr(0, 64), names);
  return fail(usage_error(
      fmt::format("find the workload '{}'", text::cut(text::sanitise(name.substr(0, 200)), 40)),
      near.empty() ? std::string("there is none of that name")
                   : fmt::format("there is none of that name; did you mean {}?", near),
      "see: observe list"));
}

}  // namespace observe::workloads
