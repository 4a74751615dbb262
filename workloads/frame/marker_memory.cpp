#include "workloads/frame/marker_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include "base/check.h"
#include "workloads/frame/clock.h"

namespace observe::workloads {

Result<std::shared_ptr<SharedMarkers>> SharedMarkers::create(std::uint32_t lanes) {
  void* memory = mmap(nullptr, lanes * sizeof(MarkerRing), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    return fail(
        error_from_errno("get memory for the workload's markers", errno, "use fewer --threads"));
  }
  auto* rings = static_cast<MarkerRing*>(memory);
  for (std::uint32_t lane = 0; lane < lanes; ++lane) new (&rings[lane]) MarkerRing;
  return std::shared_ptr<SharedMarkers>(new SharedMarkers(rings, lanes));
}

SharedMarkers::SharedMarkers(MarkerRing* rings, std::uint32_t lanes)
    : rings_(rings), lanes_(lanes), created_at_(now()), tails_(lanes) {}

SharedMarkers::~SharedMarkers() { munmap(rings_, lanes_ * sizeof(MarkerRing)); }

std::size_t SharedMarkers::take(std::uint32_t lane, std::span<Marker> out) {
  OBSERVE_CHECK(lane < lanes_);
  MarkerRing& ring = rings_[lane];
  std::uint64_t& tail = tails_[lane];
  const std::uint64_t head = ring.head.load(std::memory_order_acquire);
  const std::uint64_t waiting = head - tail;
  if (waiting > kMarkerSlots) {  // no honest producer gets that far ahead
    refused_.fetch_add(1, std::memory_order_relaxed);
    tail = head;
    ring.tail.store(tail, std::memory_order_release);
    return 0;
  }
  const std::size_t take_now = std::min<std::size_t>(waiting, out.size());
  const Time latest = now();
  std::size_t taken = 0;
  for (std::size_t i = 0; i < take_now; ++i) {
    MarkerRecord record;  // a copy: the workload may write meanwhile
    std::memcpy(&record, &ring.slots[(tail + i) % kMarkerSlots], sizeof record);
    const bool possible = record.at_ns >= static_cast<std::uint64_t>(to_ns(created_at_)) &&
                          record.at_ns <= static_cast<std::uint64_t>(to_ns(latest));
    if (!possible) {
      refused_.fetch_add(1, std::memory_order_relaxed);
      continue;
    }
    out[taken++] = Marker{.at = time_at(static_cast<std::int64_t>(record.at_ns)),
                          .kind = record.kind,
                          .lane = static_cast<std::uint16_t>(lane),
                          .a = record.a,
                          .b = record.b};
  }
  tail += take_now;
  ring.tail.store(tail, std::memory_order_release);
  return taken;
}

std::uint64_t SharedMarkers::dropped() const {
  // Added with saturation: the workload may write anything into its counters.
  std::uint64_t sum = refused_.load(std::memory_order_relaxed);
  for (std::uint32_t lane = 0; lane < lanes_; ++lane) {
    const std::uint64_t more = rings_[lane].dropped.load(std::memory_order_relaxed);
    sum = sum + more < sum ? ~std::uint64_t{0} : sum + more;
  }
  return sum;
}

}  // namespace observe::workloads
