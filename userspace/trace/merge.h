// Merges streams that are each in time order into one. Internal to the TraceBuilder.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
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

// The next event of each stream: a binary heap with the oldest on top.
class MergeHeap {
 public:
  struct Head {
    Time at;
    std::uint64_t rank;  // decides between equal times, see builder.h
    Stream* stream;
    bool operator<(const Head& other) const {
      return at != other.at ? at < other.at : rank < other.rank;
    }
  };

  explicit MergeHeap(std::vector<Stream>& streams) {
    for (Stream& stream : streams) {
      if (!stream.done()) heads_.push_back({stream.front_time(), rank_of(stream.id()), &stream});
    }
    // Sorted is a heap, too.
    std::sort(heads_.begin(), heads_.end());
  }

  bool empty() const { return heads_.empty(); }
  Stream& top() { return *heads_.front().stream; }

  // The top's event has been read: brings the next one up. While one stream stays the oldest this
  // costs two comparisons, which is the rule with few CPUs.
  void next() {
    Stream& stream = top();
    stream.pop();
    Head sinking = heads_.front();
    if (stream.done()) {
      sinking = heads_.back();
      heads_.pop_back();
      if (heads_.empty()) return;
    } else {
      sinking.at = stream.front_time();
    }
    std::size_t hole = 0;
    for (std::size_t child = 1; child < heads_.size(); child = 2 * hole + 1) {
      if (child + 1 < heads_.size() && heads_[child + 1] < heads_[child]) ++child;
      if (sinking < heads_[child]) break;
      heads_[hole] = heads_[child];
      hole = child;
    }
    heads_[hole] = sinking;
  }

 private:
  static std::uint64_t rank_of(std::uint32_t id) {
    const bool life = id % kLanes == kLifecycleLane;
    const std::uint64_t kind = id >= marker_stream(0) ? 2 : life ? 0 : 1;
    return kind << 32 | id;
  }

  std::vector<Head> heads_;
};

// Calls visit(AnyEvent&) for every event of all streams, oldest first.
template <class Visit>
void merge(std::vector<Stream>& streams, Visit&& visit) {
  for (MergeHeap heap(streams); !heap.empty(); heap.next()) visit(heap.top().front());
}

}  // namespace observe::trace_internal
