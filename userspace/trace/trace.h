// A whole observation in memory, const once built: events in time order, threads, metadata, and
// what had to be repaired.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "base/units.h"
#include "trace/events.h"
#include "trace/large_allocator.h"
#include "trace/run.h"

namespace observe {

struct ThreadName {
  Time since;
  std::string name;  // bytes as the kernel had them
};

struct ThreadInfo {
  Tid tid{};  // the newest, should exec have changed it
  Pid process{};
  std::uint64_t start_time = 0;
  bool kernel_thread = false;
  std::vector<ThreadName> names;    // oldest first, never empty
  ThreadRef parent = kNoThread;     // who forked it, when seen
  Pid parent_process{};             // 0 when not known
  std::optional<Time> born;         // fork seen in the trace
  std::optional<Time> exiting;      // sched_process_exit
  std::optional<Time> died;         // last switch-out
  std::optional<ThreadSeed> first;  // as seeded at the start
  std::optional<ThreadSeed> last;   // as seeded at the end
  std::optional<Account> account;   // at its death
  bool target = false;              // what was asked to be observed
  std::string role;                 // the workload's role; else the process's name

  const std::string& name() const { return names.back().name; }
};

class ThreadTable {
 public:
  explicit ThreadTable(std::vector<ThreadInfo> threads = {}) : threads_(std::move(threads)) {}
  const ThreadInfo& operator[](ThreadRef ref) const { return threads_[raw(ref)]; }
  std::size_t size() const { return threads_.size(); }
  std::span<const ThreadInfo> all() const { return threads_; }

 private:
  std::vector<ThreadInfo> threads_;
};

// Imperfections: never an error, always counted and printed.
struct Quality {
  std::vector<LostInterval> lost;  // by time
  std::uint64_t lost_events = 0;
  std::uint64_t missed_probe_runs = 0;
  std::uint64_t markers_lost = 0;
  std::uint64_t damaged_blocks = 0;          // of the recording: checksum or structure wrong
  std::uint64_t clock_backwards = 0;         // events older than their predecessor on one CPU
  std::uint64_t threads_without_origin = 0;  // neither seeded nor forked within the trace
  std::uint64_t events_after_death = 0;
  bool incomplete = false;  // no closing part: the observer was killed
};

class Trace {
 public:
  template <class E>
  std::span<const E> all() const {  // sorted by time
    return std::get<Column<E>>(events_);
  }
  template <class E>
  std::size_t count() const {
    return all<E>().size();
  }
  std::size_t event_count() const { return order_.size(); }

  // Calls visit(const E&) for every event in time order; events of one CPU keep their order.
  template <class Visit>
  void for_each(Visit&& visit) const;

  const ThreadTable& threads() const { return threads_; }
  const Quality& quality() const { return quality_; }
  const RunInfo& run() const { return run_; }
  const HostInfo& host() const { return host_; }
  const CaptureInfo& capture() const { return capture_; }
  const std::optional<WorkloadInfo>& workload() const { return workload_; }
  Time begin() const { return capture_.window_begin; }
  Time end() const { return capture_.window_end; }
  std::uint64_t recording_bytes() const { return recording_bytes_; }

 private:
  friend class TraceBuilder;
  template <class E>
  using Column = std::vector<E, trace_internal::LargeAllocator<E>>;
  template <class List>
  struct Columns;
  template <class... E>
  struct Columns<TypeList<E...>> {
    using type = std::tuple<Column<E>...>;
  };
  using Store = typename Columns<EventTypes>::type;
  static constexpr std::size_t kTypes = std::tuple_size_v<Store>;

  Store events_;
  // The type (its position in EventTypes) of every event in time order. As each column is in time
  // order too, the n-th occurrence of a type here is the n-th event of its column.
  Column<std::uint8_t> order_;
  ThreadTable threads_;
  Quality quality_;
  RunInfo run_;
  HostInfo host_;
  CaptureInfo capture_;
  std::optional<WorkloadInfo> workload_;
  std::uint64_t recording_bytes_ = 0;
};

template <class Visit>
void Trace::for_each(Visit&& visit) const {
  std::array<std::size_t, kTypes> next{};
  for (const std::uint8_t type : order_) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      // A chain of comparisons, the frequent types first; stops at the one that matches.
      static_cast<void>(((type == I && (visit(std::get<I>(events_)[next[I]++]), true)) || ...));
    }(std::make_index_sequence<kTypes>{});
  }
}

}  // namespace observe
