// Requests that a workload's thread served, from its markers, and where their time went by the
// kernel's events.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "analysis/judges/workload_run.h"
#include "analysis/timelines.h"

namespace observe {

// From one kPhase marker of a thread to its next one, or to the end of its phase.
struct Part {
  std::uint64_t number = 0;
  Time begin;
  Time end;
  Nanos length() const { return end - begin; }
};
std::vector<Part> parts_of(const Facts& facts, const Actor& actor);
std::optional<Part> part_of(const Facts& facts, const Actor& actor, std::uint64_t number);

// The time that a thread spent in each state from `begin` to `end`.
std::array<Nanos, kStates> states_between(const ThreadTimeline& timeline, Time begin, Time end);

struct ServedRequest {
  Time arrival;  // intended
  Time begin;    // of its service
  Time end;
  // From the moment at which it had come and the one before it was done to the begin of its
  // service: the server was or should have been on its way.
  std::array<Nanos, kStates> before{};
  std::array<Nanos, kStates> during{};  // its service
  bool turned_away = false;             // was not served: begin and end say when that was noticed

  Nanos running() const { return during[raw(State::kRunning)]; }
  // All that is not running, in either part.
  Nanos held_up() const;
};

// In the order of their markers, by pairs of operation markers whose b is the arrival; one that
// begins with none was turned away. Nothing when the markers do not pair up, or name arrivals after
// the service.
std::optional<std::vector<ServedRequest>> served_requests(const Facts& facts, const Actor& actor);

// The mean latency in ns by Lindley's recursion over these arrivals, each taking what it ran, with
// or without what held the server up, and `extra` more.
double lindley_mean(const std::vector<ServedRequest>& requests, bool held_up, Nanos extra = {});

}  // namespace observe
