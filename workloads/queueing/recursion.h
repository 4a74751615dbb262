// What would become of the same arrivals and the same work if the server had a CPU whenever it has
// something to do: the yardstick that the operating system is measured against.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <span>

#include "base/units.h"

namespace observe::workloads {

struct Request {
  Time arrival;  // when it was meant to come
  Nanos service{};
};

// Lindley's recursion: a request begins when it has come and the one before it is done. Returns the
// sum of all latencies, from arrival to completion. Arrivals in time order.
inline Nanos lindley_latencies(std::span<const Request> requests) {
  Nanos sum{};
  Time free = Time::min();
  for (const Request& request : requests) {
    free = std::max(free, request.arrival) + request.service;
    sum += free - request.arrival;
  }
  return sum;
}

// How many of `arrivals`, in time order, are turned away by a room in which at most `capacity` may
// be, the one that is served included. The n-th that is let in takes services[n]; there are as many
// services as arrivals, or more.
inline std::size_t replay_room(std::span<const Time> arrivals, std::span<const Nanos> services,
                               std::size_t capacity) {
  std::size_t lost = 0;
  std::size_t served = 0;
  std::deque<Time> departures;  // of those inside
  Time free = Time::min();
  for (const Time arrival : arrivals) {
    while (!departures.empty() && departures.front() <= arrival) departures.pop_front();
    if (departures.size() >= capacity) {
      ++lost;
      continue;
    }
    free = std::max(free, arrival) + services[served++];
    departures.push_back(free);
  }
  return lost;
}

}  // namespace observe::workloads
