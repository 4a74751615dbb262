// How each thread, and each role, spent its life in the window.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "analysis/timelines.h"

namespace observe {

struct ThreadAccount {
  Nanos lifetime{};
  std::array<Nanos, kStates> by_state{};
  std::array<Nanos, kWaitCauses> wait_by_cause{};  // sums up to the time waiting

  Nanos in(State state) const { return by_state[raw(state)]; }
  Nanos waiting(WaitCause cause) const { return wait_by_cause[raw(cause)]; }
  // Of all states: equal to the lifetime, to the nanosecond.
  Nanos sum() const;
  ThreadAccount& operator+=(const ThreadAccount& other);
};

ThreadAccount account_of(const ThreadTimeline& timeline);

struct RoleAccount {
  std::string role;
  std::uint64_t threads = 0;
  ThreadAccount account;
};

struct ThreadAccounts {
  std::vector<ThreadAccount> threads;  // by ThreadRef
  ThreadAccount targets;               // all observed threads together
  std::uint64_t target_count = 0;      // observed threads that lived in the window
  std::vector<RoleAccount> roles;      // of the observed threads, longest lifetime first

  const ThreadAccount& operator[](ThreadRef ref) const { return threads[raw(ref)]; }
};

ThreadAccounts account_threads(const Facts& facts);

}  // namespace observe
