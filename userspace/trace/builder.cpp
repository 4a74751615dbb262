#include "trace/builder.h"

#include <algorithm>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>

#include "base/check.h"
#include "trace/identity.h"
#include "trace/merge.h"
#include "trace/targets.h"

namespace observe {

using trace_internal::AnyEvent;
using trace_internal::IdentityTracker;
using trace_internal::Stream;

struct TraceBuilder::State {
  std::vector<Stream> streams;
  std::unordered_map<std::uint32_t, std::size_t> index_of;  // stream id to position
  std::size_t latest = 0;                                   // position of the stream added to last
  std::array<std::size_t, std::variant_size_v<AnyEvent>> counts{};
  std::vector<Exec> execs;  // with another tid than before
  std::vector<ThreadSeed> first_seeds;
  std::vector<ThreadSeed> last_seeds;
  Quality quality;
  RunInfo run;
  HostInfo host;
  CaptureInfo capture;
  std::optional<WorkloadInfo> workload;
  std::uint64_t recording_bytes = 0;

  Stream& stream(std::uint32_t id) {
    if (latest < streams.size() && streams[latest].id() == id) return streams[latest];
    const auto [found, added] = index_of.try_emplace(id, streams.size());
    if (added) streams.emplace_back(id);
    latest = found->second;
    return streams[latest];
  }
};

TraceBuilder::TraceBuilder() : state_(std::make_unique<State>()) {}
TraceBuilder::TraceBuilder(TraceBuilder&&) noexcept = default;
TraceBuilder& TraceBuilder::operator=(TraceBuilder&&) noexcept = default;
TraceBuilder::~TraceBuilder() = default;

template <class E>
void TraceBuilder::add(const E& event, std::uint32_t stream) {
  State& state = *state_;
  Stream& to = state.stream(stream);
  if (!to.add(event)) ++state.quality.clock_backwards;
  ++state.counts[AnyEvent(std::in_place_type<E>).index()];
  if constexpr (std::is_same_v<E, Exec>) {
    if (event.old_tid != event.tid && event.old_tid != kIdleTid) {
      state.execs.push_back(event);
      state.execs.back().at = to.last_time();
    }
  }
}

template void TraceBuilder::add(const Switch&, std::uint32_t);
template void TraceBuilder::add(const Waking&, std::uint32_t);
template void TraceBuilder::add(const Wakeup&, std::uint32_t);
template void TraceBuilder::add(const Migrate&, std::uint32_t);
template void TraceBuilder::add(const Fork&, std::uint32_t);
template void TraceBuilder::add(const Rename&, std::uint32_t);
template void TraceBuilder::add(const Exec&, std::uint32_t);
template void TraceBuilder::add(const Exit&, std::uint32_t);
template void TraceBuilder::add(const Account&, std::uint32_t);
template void TraceBuilder::add(const Marker&, std::uint32_t);

void TraceBuilder::set_run(RunInfo run) { state_->run = std::move(run); }
void TraceBuilder::set_host(HostInfo host) { state_->host = std::move(host); }
void TraceBuilder::set_capture(CaptureInfo capture) { state_->capture = std::move(capture); }
void TraceBuilder::set_workload(WorkloadInfo workload) { state_->workload = std::move(workload); }

void TraceBuilder::add_first_seeds(std::span<const ThreadSeed> seeds) {
  state_->first_seeds.insert(state_->first_seeds.end(), seeds.begin(), seeds.end());
}
void TraceBuilder::add_last_seeds(std::span<const ThreadSeed> seeds) {
  state_->last_seeds.insert(state_->last_seeds.end(), seeds.begin(), seeds.end());
}
void TraceBuilder::add_lost(const LostInterval& lost) {
  state_->quality.lost.push_back(lost);
  state_->quality.lost_events += lost.count;
}
void TraceBuilder::note_damaged_block(std::uint64_t count) {
  state_->quality.damaged_blocks += count;
}
void TraceBuilder::note_incomplete() { state_->quality.incomplete = true; }
void TraceBuilder::set_recording_bytes(std::uint64_t bytes) { state_->recording_bytes = bytes; }

Trace TraceBuilder::build() && {
  OBSERVE_CHECK(state_ != nullptr);
  const std::unique_ptr<State> state = std::move(state_);
  Trace trace;
  trace.quality_ = std::move(state->quality);
  std::ranges::sort(trace.quality_.lost, {}, [](const LostInterval& lost) {
    return std::tuple(lost.from, lost.to, lost.cpu);
  });

  IdentityTracker identity(trace.quality_);
  identity.seed(state->first_seeds);
  std::ranges::sort(state->execs, {},
                    [](const Exec& exec) { return std::tuple(exec.at, exec.tid, exec.old_tid); });
  identity.expect_execs(state->execs);
  if (state->workload) {
    std::vector<Tid> lanes;
    for (const WorkloadThread& thread : state->workload->threads) lanes.push_back(thread.tid);
    identity.set_marker_lanes(std::move(lanes), state->run.root_process.value_or(Pid{}));
  }

  std::size_t total = 0;
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    (std::get<I>(trace.events_).reserve(state->counts[I]), ...);
    ((total += state->counts[I]), ...);
  }(std::make_index_sequence<Trace::kTypes>{});
  trace.order_.reserve(total);
  trace_internal::merge(state->streams, [&](AnyEvent& any) {
    trace.order_.push_back(static_cast<std::uint8_t>(any.index()));
    std::visit(
        [&]<class E>(E& event) {
          identity.resolve(event);
          std::get<Trace::Column<E>>(trace.events_).push_back(event);
        },
        any);
  });
  identity.finish(state->last_seeds);

  std::vector<ThreadInfo> threads = identity.take_threads();
  trace_internal::mark_targets(threads, state->run);
  trace_internal::assign_roles(threads, state->run, state->workload);
  trace.threads_ = ThreadTable(std::move(threads));
  trace.quality_.missed_probe_runs = state->capture.missed_probe_runs;
  trace.quality_.markers_lost = state->capture.markers_lost;
  trace.run_ = std::move(state->run);
  trace.host_ = std::move(state->host);
  trace.capture_ = std::move(state->capture);
  trace.workload_ = std::move(state->workload);
  trace.recording_bytes_ = state->recording_bytes;
  return trace;
}

}  // namespace observe
