// Where a workload performs: named threads that are placed, scheduled and held at a gate, a stop
// flag, marker rings, a calibrated unit of work, and the facts that come out.
//
//   Result<void> run(const Values& values, Stage& stage) {
//     std::vector<ThreadPlan> plans(n, {"spinner", [&](Worker& worker) -> Result<void> {
//       while (!worker.stopping()) …;
//       worker.fact("ops", …);
//       return {};
//     }});
//     if (auto done = stage.perform(std::move(plans)); !done) return done;
//     stage.fact("total", …);
//     return {};
//   }
//
// All times are CLOCK_MONOTONIC. The first thread of the process only sleeps meanwhile.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "base/units.h"
#include "trace/run.h"
#include "workloads/frame/channel.h"
#include "workloads/frame/futex.h"
#include "workloads/frame/marker_memory.h"
#include "workloads/frame/placement.h"
#include "workloads/frame/spec.h"
#include "workloads/frame/thread_account.h"
#include "workloads/frame/work_unit.h"

namespace observe::workloads {

// What the body of one thread gets.
class Worker {
 public:
  std::size_t position() const { return position_; }  // also its lane of markers
  bool stopping() const { return stop_->load(std::memory_order_relaxed); }
  // Operations to do; nothing: until stopping().
  std::optional<std::int64_t> operations() const { return operations_; }

  // A few tens of nanoseconds, no system call. Nothing during warm-up.
  void mark(MarkerKind kind, std::uint64_t a, std::uint64_t b) {
    if (measuring_) ring_->write(kind, a, b);
  }
  // Adds to this thread's ground truth, once the body's work is done.
  void fact(std::string name, Fact value) { truth_[std::move(name)] = std::move(value); }
  // Uniform 64 bits (splitmix64), the same sequence for the same --seed and position.
  std::uint64_t random();

 private:
  friend class Stage;
  std::size_t position_ = 0;
  const std::atomic<bool>* stop_ = nullptr;
  std::optional<std::int64_t> operations_;
  MarkerRing* ring_ = nullptr;
  std::uint64_t random_state_ = 0;
  bool measuring_ = false;
  std::map<std::string, Fact> truth_;
};

struct ThreadPlan {
  std::string role;
  std::function<Result<void>(Worker&)> body;
  // Where this thread differs from the common options. What needs rights must be in Spec::rights.
  ThreadScheduling scheduling = {};
};

class Stage {
 public:
  Stage(std::string_view name, const Values& values, std::uint64_t seed,
        std::shared_ptr<SharedMarkers> markers, Channel& channel, bool has_rights = true);
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  ~Stage();

  const Scheduling& scheduling() const { return scheduling_; }
  // What Spec::rights asked for was permitted: real-time policies, negative nice values.
  bool has_rights() const { return has_rights_; }

  // Measures how long an iteration of spin_iterations() takes, in CPU nanoseconds, before
  // perform(). It is measured again afterwards: the fact "calibration_error" is the relative
  // difference.
  double calibrate_work();
  // calibrate_work(), ready for use.
  WorkUnit work_unit() { return WorkUnit(calibrate_work()); }

  // Creates the threads, waits for the gate, lets them work until --duration is over, --ops are
  // done or the observer asks to stop, and waits for them. With --warmup the bodies run twice;
  // `reset` then undoes the first time. Call once. An Error of a thread's set-up or body is
  // returned.
  Result<void> perform(std::vector<ThreadPlan> plans, const std::function<void()>& reset = {});

  // Adds to the workload's ground truth.
  void fact(std::string name, Fact value);
  // After perform(): what the threads reported, by position.
  const std::vector<WorkloadThread>& threads() const { return results_.threads; }
  // From the first thread's beginning to the last one's end.
  Nanos span() const;
  // The sum of an integer fact over all threads.
  std::int64_t total(std::string_view thread_fact) const;

  WorkloadInfo take_results() { return std::move(results_); }

 private:
  struct Thread;
  enum Gate : std::uint32_t { kClosed, kWarmUp, kMeasure, kAbandoned };

  Result<void> create_threads(std::vector<ThreadPlan> plans);
  Result<void> conduct(const std::function<void()>& reset);
  void thread_main(Thread& thread);
  Result<void> set_up(Thread& thread);
  void work(Thread& thread, bool measuring);
  void open_gate(Gate gate);
  Gate wait_gate_beyond(Gate gate);
  void wait_until_set_up();
  // Until `deadline`, until all threads are done, or until the observer asks to stop (false).
  bool wait_and_stop(std::optional<Time> deadline, std::optional<Time>* stopped_at);
  void join_all();
  Result<void> first_error();
  void collect();

  const Values& values_;
  const Scheduling scheduling_;
  const std::uint64_t seed_;
  std::shared_ptr<SharedMarkers> markers_;
  Channel& channel_;
  const bool has_rights_;
  WorkloadInfo results_;

  std::vector<std::unique_ptr<Thread>> threads_;
  std::mutex set_up_mutex_;
  std::condition_variable set_up_changed_;
  std::size_t set_up_ = 0;
  FutexWord gate_{kClosed};
  alignas(64) std::atomic<bool> stop_{false};
  alignas(64) std::atomic<std::size_t> working_{0};
  UniqueFd all_done_;  // an eventfd: written by the last thread that has done its work
  std::optional<double> work_ns_;
};

}  // namespace observe::workloads
