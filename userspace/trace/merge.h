// Merges streams that are each in time order into one. Internal to the TraceBuilder.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <tuple>
#include <variant>
#include <vector>

#include "trace/builder.h"
#include "trace/large_allocator.h"

namespace observe::trace_internal {

template <class List>
struct VariantOf;
template <class... E>
struct VariantOf<TypeList<E...>> {
  using type = std::variant<E...>;
};
using AnyEvent = VariantOf<EventTypes>::type;
static_assert(sizeof(AnyEvent) <= 64, "the builder holds 64 bytes per event");

// Events in their recorded order. Storage comes in pieces, small at first, that are given back as
// they are read, so that a trace in the making is not held twice.
class Stream {
 public:
  explicit Stream(std::uint32_t id) : id_(id) {}

  std::uint32_t id() const { return id_; }
  Time last_time() const { return last_; }
  bool has_events() const { return !pieces_.empty(); }

  // Returns false when the event was older than its predecessor.
  template <class E>
  bool add(const E& event) {
    if (pieces_.empty() || pieces_.back().size() == pieces_.back().capacity()) grow();
    AnyEvent& added = pieces_.back().emplace_back(event);
    if (event.at < last_) {
      std::get_if<E>(&added)->at = last_;
      return false;
    }
    last_ = event.at;
    return true;
  }

  bool done() const { return piece_ == pieces_.size(); }
  AnyEvent& front() { return pieces_[piece_][next_]; }
  Time front_time() {
    return std::visit([](const auto& event) { return event.at; }, front());
  }
  void pop() {
    if (++next_ < pieces_[piece_].size()) return;
    Piece().swap(pieces_[piece_]);  // assigning {} would keep the memory
    ++piece_;
    next_ = 0;
  }

 private:
  using Piece = std::vector<AnyEvent, LargeAllocator<AnyEvent>>;

  void grow() {
    const std::size_t last = pieces_.empty() ? kSmallest / 8 : pieces_.back().capacity();
    pieces_.emplace_back().reserve(std::min(last * 8, kLargest));
  }

  static constexpr std::size_t kSmallest = 512;
  static constexpr std::size_t kLargest = 32'768;  // 2 MiB

  std::uint32_t id_;
  Time last_ = Time::min();
  std::vector<Piece> pieces_;
  std::size_t piece_ = 0;  // where reading has got to
  std::size_t next_ = 0;
};

// Calls visit(AnyEvent&) for every event of all streams, oldest first.
template <class Visit>
void merge(std::vector<Stream>& streams, Visit&& visit) {
  struct Head {
    Time at;
    std::uint32_t rank;  // decides between equal times, see builder.h
    Stream* stream;
    bool operator<(const Head& other) const {
      return std::tuple(at, rank, stream->id()) <
             std::tuple(other.at, other.rank, other.stream->id());
    }
  };
  const auto rank_of = [](std::uint32_t id) -> std::uint32_t {
    if (id >= marker_stream(0)) return 2;
    return id % kLanes == kLifecycleLane ? 0 : 1;
  };
  const auto later = [](const Head& a, const Head& b) {
    return b < a;
  };  // a heap with the oldest on top

  std::vector<Head> heap;
  for (Stream& stream : streams) {
    if (!stream.done()) heap.push_back({stream.front_time(), rank_of(stream.id()), &stream});
  }
  std::make_heap(heap.begin(), heap.end(), later);
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), later);
    Head head = heap.back();
    heap.pop_back();
    // A stream is read on as long as it is the oldest: the heap is touched only at the changes.
    do {
      visit(head.stream->front());
      head.stream->pop();
      if (head.stream->done()) break;
      head.at = head.stream->front_time();
    } while (heap.empty() || head < heap.front());
    if (!head.stream->done()) {
      heap.push_back(head);
      std::push_heap(heap.begin(), heap.end(), later);
    }
  }
}

}  // namespace observe::trace_internal
