// A run in parts: the same threads do the same work in one way after the other, so that one run
// compares them. All threads enter a part together and leave it together.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "workloads/frame/clock.h"
#include "workloads/frame/rendezvous.h"
#include "workloads/frame/stage.h"

namespace observe::workloads {

// One part, as all threads share it.
class Part {
 public:
  Part(std::string name, Nanos length) : name_(std::move(name)), length_(length) {}

  const std::string& name() const { return name_; }
  // Time and operations count from here on. The first call counts.
  void start() {
    std::int64_t unset = 0;
    begin_.compare_exchange_strong(unset, to_ns(now()), std::memory_order_acq_rel);
  }
  bool started() const { return begin_.load(std::memory_order_acquire) != 0; }
  // Whether the calling thread, which has done that many operations in this part, has to leave.
  bool over(const Worker& worker, std::int64_t operations) {
    if (worker.operations() && operations >= *worker.operations()) return true;
    const std::int64_t begin = begin_.load(std::memory_order_acquire);
    const bool late = begin != 0 && !worker.operations() && to_ns(now()) - begin >= to_ns(length_);
    return late || worker.stopping();
  }
  // The calling thread does no more here. The first one ends the part: from then on fewer threads
  // work than should be measured.
  void leave() {
    std::int64_t unset = 0;
    end_.compare_exchange_strong(unset, to_ns(now()), std::memory_order_acq_rel);
  }
  // "<name>_begin_ns", "<name>_end_ns"; nothing for a part that never began.
  void report(Stage& stage) const {
    if (!started()) return;
    stage.fact(name_ + "_begin_ns", begin_.load());
    stage.fact(name_ + "_end_ns", end_.load());
  }
  void reset() {
    begin_ = 0;
    end_ = 0;
  }

 private:
  const std::string name_;
  const Nanos length_;
  alignas(64) std::atomic<std::int64_t> begin_{0};
  alignas(64) std::atomic<std::int64_t> end_{0};
};

class Parts {
 public:
  // With --duration each part gets an equal piece of it, with --ops each has that many operations.
  Parts(const std::vector<std::string>& names, std::size_t threads, const Values& values)
      : meeting_(static_cast<std::uint32_t>(threads)) {
    const auto count = static_cast<std::int64_t>(names.size());
    const Nanos whole = values.has("duration") ? values.duration("duration") : Nanos{0};
    for (const std::string& name : names) {
      parts_.push_back(std::make_unique<Part>(name, whole / count));
    }
  }

  // In every thread: calls body(part index, Part&) for each part, all threads together.
  template <class Body>
  void perform(Worker& worker, Body&& body) {
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      meeting_.arrive_and_wait();
      worker.mark(MarkerKind::kPhase, i, 0);
      body(i, *parts_[i]);
      parts_[i]->leave();
    }
  }
  std::size_t size() const { return parts_.size(); }
  const std::string& name(std::size_t part) const { return parts_[part]->name(); }
  void report(Stage& stage) const {
    for (const auto& part : parts_) part->report(stage);
  }
  void reset() {
    for (const auto& part : parts_) part->reset();
  }

 private:
  Rendezvous meeting_;
  std::vector<std::unique_ptr<Part>> parts_;
};

// The accident that locks are judged by: the holder loses the CPU in its critical section. It is
// brought about at the start of a part, so that each run has it: the first holder works on until
// all the others want the lock, which on one CPU they can only say when it has been preempted.
class Accident {
 public:
  explicit Accident(std::size_t threads) : others_(static_cast<std::uint32_t>(threads - 1)) {}

  // Returns how many wanted it before.
  std::uint32_t want() { return wanting_.fetch_add(1, std::memory_order_acq_rel); }
  void hold(const Worker& worker) const {
    while (wanting_.load(std::memory_order_acquire) < others_ && !worker.stopping()) {
    }
  }
  void reset() { wanting_ = 0; }

 private:
  const std::uint32_t others_;
  alignas(64) std::atomic<std::uint32_t> wanting_{0};
};

}  // namespace observe::workloads
