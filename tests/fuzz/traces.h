// What holds of every trace, whatever it was made from.
#pragma once

#include <algorithm>

#include "fuzz/fuzz.h"
#include "trace/trace.h"

namespace observe::fuzz {

inline void check_trace(const Trace& trace) {
  std::size_t visited = 0;
  Time last = Time::min();
  const auto check_ref = [&](ThreadRef ref) {
    OBSERVE_CHECK(ref == kNoThread || raw(ref) < trace.threads().size());
  };
  trace.for_each([&]<class E>(const E& event) {
    OBSERVE_CHECK(event.at >= last);
    last = event.at;
    ++visited;
    if constexpr (requires { event.thread; }) check_ref(event.thread);
    if constexpr (requires { event.waker_thread; }) check_ref(event.waker_thread);
    if constexpr (std::is_same_v<E, Switch>) {
      check_ref(event.prev_thread);
      check_ref(event.next_thread);
      OBSERVE_CHECK((event.prev_thread == kNoThread) == (event.prev == kIdleTid));
      OBSERVE_CHECK((event.next_thread == kNoThread) == (event.next == kIdleTid));
    }
  });
  OBSERVE_CHECK(visited == trace.event_count());
  OBSERVE_CHECK(trace.begin() <= trace.end());
  for (const ThreadInfo& thread : trace.threads().all()) {
    OBSERVE_CHECK(!thread.names.empty());
    OBSERVE_CHECK(std::ranges::is_sorted(thread.names, {}, &ThreadName::since));
    check_ref(thread.parent);
  }
}

}  // namespace observe::fuzz
