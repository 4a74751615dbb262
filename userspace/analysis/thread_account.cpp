#include "analysis/thread_account.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace observe {

Nanos ThreadAccount::sum() const {
  return std::accumulate(by_state.begin(), by_state.end(), Nanos{0});
}

ThreadAccount& ThreadAccount::operator+=(const ThreadAccount& other) {
  lifetime += other.lifetime;
  for (std::size_t i = 0; i < kStates; ++i) by_state[i] += other.by_state[i];
  for (std::size_t i = 0; i < kWaitCauses; ++i) wait_by_cause[i] += other.wait_by_cause[i];
  return *this;
}

ThreadAccount account_of(const ThreadTimeline& timeline) {
  ThreadAccount account;
  account.lifetime = timeline.end - timeline.begin;
  for (const Interval& interval : timeline.intervals) {
    account.by_state[raw(interval.state)] += interval.length();
    if (interval.state == State::kWaiting) {
      account.wait_by_cause[raw(interval.cause)] += interval.length();
    }
  }
  return account;
}

ThreadAccounts account_threads(const Facts& facts) {
  ThreadAccounts result;
  result.threads.resize(facts.timelines.threads.size());
  std::map<std::string, RoleAccount> roles;
  facts.for_each_thread([&](ThreadRef ref, const ThreadInfo& info, const ThreadTimeline& timeline) {
    ThreadAccount& account = result.threads[raw(ref)];
    account = account_of(timeline);
    if (!info.target) return;
    result.targets += account;
    ++result.target_count;
    RoleAccount& role = roles[info.role];
    role.role = info.role;
    ++role.threads;
    role.account += account;
  });
  for (auto& [name, role] : roles) result.roles.push_back(std::move(role));
  std::ranges::stable_sort(result.roles, std::greater{},
                           [](const RoleAccount& role) { return role.account.lifetime; });
  return result;
}

}  // namespace observe
