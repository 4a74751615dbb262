// The rings through which a workload's threads hand their markers to the observer: memory that both
// processes map, the workload to write and the observer to read.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "trace/events.h"
#include "workloads/frame/marker.h"

namespace observe::workloads {

// Anonymous, hence no file that the workload could cut short under the observer's feet. Only
// pages that are written to take memory.
class SharedMarkers {
 public:
  static Result<std::shared_ptr<SharedMarkers>> create(std::uint32_t lanes);
  SharedMarkers(const SharedMarkers&) = delete;
  SharedMarkers& operator=(const SharedMarkers&) = delete;
  ~SharedMarkers();

  std::uint32_t lanes() const { return lanes_; }
  MarkerRing& ring(std::uint32_t lane) { return rings_[lane]; }

  // The observer's side. It reads each shared word once, keeps the tail to itself, and refuses
  // counts that cannot be and times outside [creation, now]: they count as dropped.
  std::size_t take(std::uint32_t lane, std::span<Marker> out);
  std::uint64_t dropped() const;

 private:
  SharedMarkers(MarkerRing* rings, std::uint32_t lanes);

  MarkerRing* rings_;
  std::uint32_t lanes_;
  Time created_at_;
  std::vector<std::uint64_t> tails_;
  std::atomic<std::uint64_t> refused_{0};
};

}  // namespace observe::workloads
