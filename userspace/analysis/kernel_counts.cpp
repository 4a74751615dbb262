#include "analysis/kernel_counts.h"

#include <algorithm>

namespace observe {
namespace {

std::optional<std::uint64_t> run_delay(std::uint64_t ns) {
  if (ns == kNoRunDelay) return std::nullopt;
  return ns;
}

KernelReading reading(const ThreadSeed& seed) {
  return {.at = seed.at,
          .nvcsw = seed.nvcsw,
          .nivcsw = seed.nivcsw,
          .run_ns = seed.run_ns,
          .run_delay_ns = run_delay(seed.run_delay_ns),
          .on_cpu = seed.on_cpu};
}

// The account carries 32 bits of each counter: the rest comes from the earlier reading.
std::uint64_t widen(std::uint32_t low, std::uint64_t earlier) {
  const std::uint32_t grown = low - static_cast<std::uint32_t>(earlier);
  return earlier + grown;
}

struct Walker {
  bool wanted = false;
  bool started = false;
  std::uint64_t begin = 0;  // nvcsw + nivcsw at the first reading
  std::uint64_t end = 0;
  std::uint64_t sum = 0;  // of the last record, whole
  std::uint16_t nvcsw = 0;
  std::uint16_t nivcsw = 0;
};

std::uint16_t low16(std::uint64_t value) { return static_cast<std::uint16_t>(value); }

bool voluntary(SwitchCause cause) {
  return cause == SwitchCause::kBlocked || cause == SwitchCause::kExited;
}

}  // namespace

std::optional<std::uint64_t> KernelAccounts::run_delay_ns() const {
  if (!begin.run_delay_ns || !end.run_delay_ns) return std::nullopt;
  return *end.run_delay_ns - *begin.run_delay_ns;
}

ReadingResult kernel_readings(const ThreadInfo& info) {
  ReadingResult result;
  KernelAccounts& both = result.accounts;
  bool torn = false;
  if (info.first) {
    both.begin = reading(*info.first);
    torn = info.first->torn;
  } else if (info.born) {
    both.begin = {.at = *info.born, .run_delay_ns = 0};
  } else {
    return result;
  }
  if (info.account) {
    const Account& account = *info.account;
    both.end = {.at = account.at,
                .nvcsw = widen(account.nvcsw, both.begin.nvcsw),
                .nivcsw = widen(account.nivcsw, both.begin.nivcsw),
                .run_ns = account.run_ns,
                .run_delay_ns = run_delay(account.run_delay_ns)};
  } else if (info.last) {
    both.end = reading(*info.last);
    torn = torn || info.last->torn;
  } else {
    return result;
  }
  // Only a damaged recording holds counters that shrink.
  const bool sane = both.end.nvcsw >= both.begin.nvcsw && both.end.nivcsw >= both.begin.nivcsw &&
                    both.end.run_ns >= both.begin.run_ns;
  result.status = torn || !sane ? Readings::kTorn : Readings::kBoth;
  return result;
}

std::vector<CounterWalk> walk_counters(const Facts& facts) {
  std::vector<CounterWalk> walks(facts.trace.threads().size());
  std::vector<Walker> walkers(walks.size());
  for (std::uint32_t i = 0; i < walkers.size(); ++i) {
    const ThreadInfo& info = facts.info(ThreadRef{i});
    if (!info.target) continue;
    const ReadingResult readings = kernel_readings(info);
    if (readings.status != Readings::kBoth) continue;
    const KernelAccounts& both = readings.accounts;
    walkers[i] = {.wanted = true,
                  .begin = both.begin.nvcsw + both.begin.nivcsw,
                  .end = both.end.nvcsw + both.end.nivcsw,
                  .nvcsw = low16(both.begin.nvcsw),
                  .nivcsw = low16(both.begin.nivcsw)};
  }
  const SleepingLocks locks = sleeping_locks(facts.trace.host());
  for (const Switch& event : facts.trace.all<Switch>()) {
    if (event.prev_thread == kNoThread) continue;
    Walker& walker = walkers[raw(event.prev_thread)];
    if (!walker.wanted) continue;
    CounterWalk& walk = walks[raw(event.prev_thread)];
    const std::uint16_t sum16 = low16(std::uint64_t{event.nvcsw} + event.nivcsw);
    std::uint16_t step = 0;
    bool neighbour = walker.started;
    if (walker.started) {
      step = low16(sum16 - walker.sum);
      walker.sum += step;
    } else {
      // The first record lies within 32,767 switches before or after the first reading.
      const auto offset = static_cast<std::int16_t>(low16(sum16 - walker.begin));
      walker.sum = walker.begin + static_cast<std::uint64_t>(std::int64_t{offset});
      walker.started = true;
      neighbour = offset == 1;  // the reading itself is its predecessor
      step = 1;
    }
    if (walker.sum > walker.begin && walker.sum <= walker.end) ++walk.between;
    if (neighbour) {
      ++walk.steps;
      const bool grew_voluntary = low16(event.nvcsw - walker.nvcsw) == 1;
      if (step == 0) {
        ++walk.repeated;
      } else if (step > 1) {
        walk.skipped += step - 1u;
      } else if (grew_voluntary != voluntary(cause_of(event, locks))) {
        ++walk.wrong_kind;
      }
    }
    walker.nvcsw = event.nvcsw;
    walker.nivcsw = event.nivcsw;
  }
  return walks;
}

std::vector<Nanos> run_between_readings(const Facts& facts) {
  struct Running {
    ThreadRef thread = kNoThread;
    Time since;
  };
  struct Span {
    Time begin;
    Time end;  // both zero: not wanted
  };
  std::vector<Running> running(facts.timelines.cpus.size());
  std::vector<Span> spans(facts.trace.threads().size());
  std::vector<Nanos> run(spans.size());
  for (std::uint32_t i = 0; i < spans.size(); ++i) {
    const ThreadInfo& info = facts.info(ThreadRef{i});
    if (info.first && info.first->on_cpu) {
      running[raw(info.first->cpu)] = {ThreadRef{i}, info.first->at};
    }
    if (!info.target) continue;
    const ReadingResult readings = kernel_readings(info);
    if (readings.status == Readings::kBoth) {
      spans[i] = {readings.accounts.begin.at, readings.accounts.end.at};
    }
  }
  const auto add = [&](const Running& slice, Time until) {
    const Span& span = spans[raw(slice.thread)];
    const Nanos inside = std::min(until, span.end) - std::max(slice.since, span.begin);
    if (inside > Nanos{0}) run[raw(slice.thread)] += inside;
  };
  for (const Switch& event : facts.trace.all<Switch>()) {
    Running& slice = running[raw(event.cpu)];
    if (slice.thread != kNoThread && slice.thread == event.prev_thread) add(slice, event.at);
    slice = {event.next_thread, event.at};
  }
  for (const Running& slice : running) {
    if (slice.thread != kNoThread) add(slice, spans[raw(slice.thread)].end);
  }
  return run;
}

}  // namespace observe
