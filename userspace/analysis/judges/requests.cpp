#include "analysis/judges/requests.h"

#include <algorithm>

namespace observe {

std::vector<Part> parts_of(const Facts& facts, const Actor& actor) {
  std::vector<Part> parts;
  for (const Marker& marker : markers_of(facts, actor, MarkerKind::kPhase)) {
    if (marker.at < actor.begin || marker.at > actor.end) continue;
    if (!parts.empty()) parts.back().end = marker.at;
    parts.push_back({.number = marker.a, .begin = marker.at, .end = actor.end});
  }
  return parts;
}

std::optional<Part> part_of(const Facts& facts, const Actor& actor, std::uint64_t number) {
  for (const Part& part : parts_of(facts, actor)) {
    if (part.number == number) return part;
  }
  return std::nullopt;
}

std::array<Nanos, kStates> states_between(const ThreadTimeline& timeline, Time begin, Time end) {
  std::array<Nanos, kStates> states{};
  auto interval = std::ranges::upper_bound(timeline.intervals, begin, {}, &Interval::end);
  for (; interval != timeline.intervals.end() && interval->begin < end; ++interval) {
    const Time from = std::max(interval->begin, begin);
    const Time to = std::min(interval->end, end);
    if (from < to) states[raw(interval->state)] += to - from;
  }
  return states;
}

Nanos ServedRequest::held_up() const {
  Nanos sum{};
  for (std::size_t state = 0; state < kStates; ++state) {
    if (state != raw(State::kRunning)) sum += before[state] + during[state];
  }
  return sum;
}

std::optional<std::vector<ServedRequest>> served_requests(const Facts& facts, const Actor& actor) {
  const ThreadTimeline& timeline = facts.timeline(actor.thread);
  std::vector<Marker> markers = markers_of(facts, actor);
  std::erase_if(markers, [](const Marker& marker) {
    return marker.kind != raw(MarkerKind::kOperationBegin) &&
           marker.kind != raw(MarkerKind::kOperationEnd);
  });
  if (markers.size() % 2 != 0) return std::nullopt;
  std::vector<ServedRequest> requests;
  requests.reserve(markers.size() / 2);
  std::optional<Time> free;
  for (std::size_t i = 0; i < markers.size(); i += 2) {
    const Marker& begin = markers[i];
    const Marker& end = markers[i + 1];
    const bool pair = begin.kind == raw(MarkerKind::kOperationBegin) &&
                      end.kind == raw(MarkerKind::kOperationEnd) && begin.a == end.a &&
                      (begin.b == end.b || begin.b == 0) && begin.at <= end.at;
    if (!pair || to_ns(begin.at) < 0 || end.b > static_cast<std::uint64_t>(to_ns(begin.at))) {
      return std::nullopt;
    }
    const Time arrival = time_at(static_cast<std::int64_t>(end.b));
    if (begin.b == 0) {
      requests.push_back(
          {.arrival = arrival, .begin = begin.at, .end = end.at, .turned_away = true});
      continue;
    }
    const Time ready = std::max(arrival, free.value_or(arrival));
    requests.push_back({.arrival = arrival,
                        .begin = begin.at,
                        .end = end.at,
                        .before = states_between(timeline, ready, begin.at),
                        .during = states_between(timeline, begin.at, end.at)});
    free = end.at;
  }
  return requests;
}

double lindley_mean(const std::vector<ServedRequest>& requests, bool held_up, Nanos extra) {
  if (requests.empty()) return 0;
  double sum = 0;
  Time free = requests.front().arrival;
  for (const ServedRequest& request : requests) {
    const Nanos more = extra + (held_up ? request.held_up() : Nanos{0});
    free = std::max(free, request.arrival) + request.running() + more;
    sum += static_cast<double>(to_ns(free - request.arrival));
  }
  return sum / static_cast<double>(requests.size());
}

}  // namespace observe
