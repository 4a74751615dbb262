#include <fmt/format.h>

#include "analysis/findings.h"
#include "analysis/wording.h"

namespace observe {
namespace {

using report::Finding;
using report::FindingVerdict;
using wording::decimal;
using wording::duration;
using wording::percent;
using wording::share;

// From these shares on, something is the most important thing to say. They order sentences; no
// number depends on them.
constexpr double kMuchUnknown = 0.2;    // of the threads' lives: nothing else is certain
constexpr double kMuchWaiting = 0.1;    // of the CPU time wanted: a reader would feel it
constexpr double kMostlyRunning = 0.7;  // of the threads' lives
constexpr double kMostlyLocks = 0.5;    // of the threads' lives, blocked on futexes

struct Whole {
  Nanos lifetime, run, wait, blocked, unknown, futex;
};

Whole whole_of(const Results& results) {
  const ThreadAccount& all = results.accounts.targets;
  Whole whole{all.lifetime,
              all.in(State::kRunning),
              all.in(State::kWaiting),
              all.in(State::kBlocked),
              all.in(State::kUnknown),
              Nanos{0}};
  for (const Blocking& one : results.target_blocking) {
    if (one.reason.block_class == BlockClass::kFutex) whole.futex += one.time;
  }
  return whole;
}

std::string states_sentence(const Results& results, const Whole& whole) {
  const ThreadAccount& all = results.accounts.targets;
  std::string text = fmt::format(
      "{} lived {} together: {} running, {} waiting for a CPU, {} blocked",
      wording::count(results.accounts.target_count, "observed thread"), duration(whole.lifetime),
      percent(share(whole.run, whole.lifetime)), percent(share(whole.wait, whole.lifetime)),
      percent(share(whole.blocked, whole.lifetime)));
  if (all.in(State::kWakeDelay) > Nanos{0}) {
    text += fmt::format(", {} on the way from a wake-up to a run queue",
                        percent(share(all.in(State::kWakeDelay), whole.lifetime)));
  }
  if (whole.unknown > Nanos{0}) {
    text += fmt::format(", {} unknown", percent(share(whole.unknown, whole.lifetime)));
  }
  return text + ".";
}

// Whether the observed threads kept each other from the CPU, or others did.
Finding waiting_verdict(const Facts& facts, const Results& results, const Whole& whole) {
  Nanos own{};
  Nanos others{};
  Nanos idle{};
  for (const Holding& one : results.holders) {
    if (one.kind == Holding::Kind::kIdle) idle += one.time;
    if (one.kind != Holding::Kind::kThread) continue;
    (facts.info(one.thread).target ? own : others) += one.time;
  }
  Finding finding{.verdict = FindingVerdict::kShown};
  const std::string waited = fmt::format(
      "The observed threads waited for a CPU for {} of the time in which they wanted one",
      percent(share(whole.wait, whole.run + whole.wait)));
  if (idle > own + others) {
    finding.claim = waited + ", mostly while that CPU was idle: it had to wake up first.";
  } else if (others > own) {
    finding.claim = waited + ", mostly because threads that are not observed held it.";
  } else {
    finding.claim = waited + fmt::format(
                                 ", mostly for each other: on average {} of them wanted to "
                                 "run and {} did.",
                                 decimal(results.parallelism.concurrency_mean),
                                 decimal(results.parallelism.parallelism_mean));
  }
  finding.evidence.push_back(fmt::format(
      "While they waited, observed threads held the CPU for {}, others for {}, and it was idle for "
      "{}.",
      duration(own), duration(others), duration(idle)));
  return finding;
}

}  // namespace

Finding verdict_of(const Facts& facts, const Results& results) {
  const Whole whole = whole_of(results);
  Finding finding{.verdict = FindingVerdict::kShown};
  if (whole.lifetime == Nanos{0}) {
    return {.id = "verdict",
            .verdict = FindingVerdict::kCannotTell,
            .claim = "None of the observed threads lived within the window."};
  }
  const double ran = share(whole.run, whole.lifetime);
  if (share(whole.unknown, whole.lifetime) > kMuchUnknown) {
    finding.verdict = FindingVerdict::kCannotTell;
    finding.claim = fmt::format(
        "Too little is known: for {} of their lives the state of the "
        "observed threads cannot be told.",
        percent(share(whole.unknown, whole.lifetime)));
  } else if (share(whole.wait, whole.run + whole.wait) >= kMuchWaiting &&
             share(whole.wait, whole.lifetime) >= kMuchWaiting / 10) {
    finding = waiting_verdict(facts, results, whole);
  } else if (ran >= kMostlyRunning) {
    finding.claim = fmt::format(
        "The observed threads computed for {} of their lives and hardly waited for a CPU; on "
        "average {} ran at once.",
        percent(ran), decimal(results.parallelism.parallelism_mean));
  } else if (share(whole.futex, whole.lifetime) >= kMostlyLocks) {
    finding.verdict = FindingVerdict::kConsistent;
    finding.claim = fmt::format(
        "The observed threads spent {} of their lives blocked on locks, conditions or joins "
        "(futex) and ran for {}.",
        percent(share(whole.futex, whole.lifetime)), percent(ran));
    finding.evidence.emplace_back(
        "A futex wait looks the same whether a lock is contended or a thread has nothing to do.");
  } else if (!results.target_blocking.empty() && whole.blocked > whole.run) {
    const Blocking& most = results.target_blocking.front();
    const std::string slept = fmt::format("most of all in {} ({} of their lives)", most.reason.name,
                                          percent(share(most.time, whole.lifetime)));
    finding.claim =
        whole.run + whole.wait == Nanos{0}
            ? fmt::format("The observed threads slept all the time, {}: none wanted a CPU.", slept)
            : fmt::format(
                  "The observed threads mostly slept, {}; they ran for {} and got a CPU "
                  "when they wanted one.",
                  slept, percent(ran));
  } else {
    finding.claim = fmt::format(
        "The observed threads ran for {} and slept for {} of their lives, and hardly waited for a "
        "CPU.",
        percent(ran), percent(share(whole.blocked, whole.lifetime)));
  }
  finding.id = "verdict";
  finding.evidence.insert(finding.evidence.begin(), states_sentence(results, whole));
  return finding;
}

}  // namespace observe
