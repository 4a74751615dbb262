// Capture with BPF: probes, recorder and the order in which they start and stop.
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "capture/capture.h"
#include "capture/clock.h"
#include "capture/host.h"
#include "capture/lanes.h"
#include "capture/probe_costs.h"
#include "capture/probes.h"
#include "capture/recorder.h"
#include "capture/topology.h"

namespace observe {
namespace {

std::vector<RecorderLane> all_lanes(ProbeSet& probes, std::uint32_t cpus) {
  std::vector<RecorderLane> lanes;
  for (std::uint32_t cpu = 0; cpu < cpus; ++cpu) {
    for (std::uint32_t lane = 0; lane < OBSERVE_LANES; ++lane) {
      const Cpu id = static_cast<Cpu>(cpu);
      lanes.push_back({.cpu = id, .lane = lane, .reader = probes.lane(id, lane)});
    }
  }
  return lanes;
}

class LiveCapture final : public Capture {
 public:
  LiveCapture(std::unique_ptr<ProbeSet> probes, const LaneSizes& sizes, RecordingWriter& writer,
              MarkerSource markers, Time begin)
      : sizes_(sizes),
        writer_(writer),
        probes_(std::move(probes)),
        recorder_(all_lanes(*probes_, sizes.cpus), writer, std::move(markers),
                  {.interval = drain_interval(sizes), .begin = begin}) {}

  Result<void> begin() {
    info_.before = read_host_sample();
    constexpr int kSeedPasses = 2;  // at the start and at the end of the window
    if (auto attached = probes_->attach(kSeedPasses); !attached) return attached;
    Result<std::vector<observe_seed>> seeds = probes_->read_seeds();
    if (!seeds) return fail(std::move(seeds.error()));
    info_.window_begin = monotonic_now();
    if (auto written = writer_.write_first_seeds(*seeds); !written) return written;
    auto written = writer_.write_window_begin(info_.window_begin);
    recorder_.window_begins();
    return written;
  }

  int failure_fd() const override { return recorder_.failure_fd(); }

  Result<CaptureInfo> stop() override {
    info_.window_end = monotonic_now();
    const Result<std::vector<observe_seed>> seeds = probes_->read_seeds();
    probes_->detach();
    info_.after = read_host_sample();
    RecorderOutcome outcome = recorder_.finish(monotonic_now());
    if (outcome.error) return fail(std::move(*outcome.error));
    if (!seeds) return fail(seeds.error());
    if (auto written = writer_.write_last_seeds(*seeds); !written) {
      return fail(std::move(written.error()));
    }

    ProbeCosts costs;
    for (const RecorderLane& lane : all_lanes(*probes_, sizes_.cpus)) costs.add(lane.reader);
    std::vector<std::string> notes = probes_->notes();
    if (!outcome.note.empty()) notes.push_back(std::move(outcome.note));
    info_.recorder_realtime = outcome.realtime;
    info_.recorder_note = fmt::format("{}", fmt::join(notes, "; "));
    info_.observer_cpu_ns = outcome.cpu_ns;
    info_.probe_cpu_ns = costs.estimated_ns();
    info_.probe_runs_timed = costs.timed;
    info_.self_wakes = costs.self_wakes;
    info_.missed_probe_runs = probes_->missed_runs();
    info_.markers_lost = outcome.markers_lost;
    info_.buffer_bytes_per_cpu = sizes_.bytes_per_cpu();
    info_.peak_backlog_bytes = outcome.peak_backlog_bytes;
    return info_;
  }

 private:
  LaneSizes sizes_;
  RecordingWriter& writer_;
  CaptureInfo info_;
  std::unique_ptr<ProbeSet> probes_;  // outlives the recorder, which reads its memory
  Recorder recorder_;
};

}  // namespace

Result<std::unique_ptr<Capture>> Capture::start(const CaptureOptions& options,
                                                RecordingWriter& writer, MarkerSource markers) {
  const Result<LaneSizes> sizes = lane_sizes(options.buffer_bytes_per_cpu, possible_cpus());
  if (!sizes) return fail(sizes.error());
  Result<std::unique_ptr<ProbeSet>> probes = ProbeSet::load(*sizes, options.usdt);
  if (!probes) return fail(std::move(probes.error()));
  // It drains before the first record is written, so that starting on a busy machine, or a walk
  // over a great many threads, costs none.
  auto capture = std::make_unique<LiveCapture>(std::move(*probes), *sizes, writer,
                                               std::move(markers), monotonic_now());
  if (auto begun = capture->begin(); !begun) return fail(std::move(begun.error()));
  return capture;
}

}  // namespace observe
