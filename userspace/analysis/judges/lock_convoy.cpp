// What handing a lock over in order costs in switches, beside a lock for whoever comes first.
#include <fmt/format.h>

#include <algorithm>

#include "analysis/judges/judge.h"
#include "analysis/judges/part_run.h"
#include "analysis/judges/prediction.h"
#include "analysis/overlap.h"
#include "analysis/wording.h"

namespace observe {
namespace {

using report::Finding;
using report::FindingVerdict;
using report::Prediction;
using report::Relation;

constexpr std::uint64_t kEnoughOperations = 1000;

struct Side {
  const char* lock;
  std::optional<PartRun> part;

  std::uint64_t operations() const { return part ? part->operations : 0; }
  std::optional<double> each(SwitchCause cause) const {
    if (operations() == 0) return std::nullopt;
    return static_cast<double>(part->switches_by(cause)) / static_cast<double>(operations());
  }
  std::optional<double> rate() const {
    if (operations() == 0) return std::nullopt;
    return part->per_second(static_cast<double>(operations()));
  }
};

Conditions conditions_of(const WorkloadRun& run, std::uint64_t samples) {
  Conditions conditions{.samples = samples, .enough = kEnoughOperations};
  if (!run.fact<bool>("one_cpu").value_or(false)) {
    conditions.lacking.emplace_back("needs all threads on one CPU: --place one");
  }
  return conditions;
}

// Each thread that has been preempted may be one that has given the lock back and not asked for it
// again. When that is so of all but one, nobody stands in line, and the last one need not sleep.
Nanos line_may_be_empty(const Facts& facts, const WorkloadRun& run, const PartRun& part) {
  Overlap pushed_aside;
  for (const Actor& actor : run.actors()) {
    for (const Interval& interval : facts.timeline(actor.thread).intervals) {
      if (interval.state != State::kWaiting || interval.cause != WaitCause::kPreempted) continue;
      pushed_aside.add(std::max(interval.begin, part.begin), std::min(interval.end, part.end));
    }
  }
  Nanos empty{};
  pushed_aside.for_each_stretch([&](Time begin, Time end, std::size_t depth) {
    if (depth + 1 >= run.actors().size()) empty += end - begin;
  });
  return empty;
}

// Exact while somebody stands in line. A thread that the tick preempts on its way to sleep may find
// the lock granted when it comes back; the first and the last operation of each thread lie partly
// outside. A waker that is preempted has given the lock back already: that spares nobody a sleep.
//
// SCHED_BATCH: a woken thread does not preempt the one that runs (check_preempt_wakeup() in
// kernel/sched/fair.c), unless that one has used up its slice. Under other policies it may at any
// time, and then the line can run empty.
Prediction predict_fifo(const Facts& facts, const WorkloadRun& run, const Side& side,
                        const Noise& noise) {
  const bool batch = run.fact<std::string>("policy") == "batch";
  Expected expected{
      .name = "sleeps per operation, fifo-futex",
      .formula = batch ? "1: the lock belongs to one who is not running"
                       : "at most 1: woken threads may preempt, and the line can run empty",
      .unit = "",
      .predicted = 1,
      .measured = side.each(SwitchCause::kBlocked),
      .relation = batch ? Relation::kEqual : Relation::kAtMost};
  if (side.operations() > 0) {
    const auto preemptions = static_cast<double>(side.part->switches_by(SwitchCause::kPreempted));
    const int hz = facts.trace.host().hz;
    const double ticks = static_cast<double>(to_ns(side.part->length())) / 1e9 * hz;
    const double by_tick = hz > 0 ? std::min(preemptions, ticks) : preemptions;
    expected.tolerance = (static_cast<double>(run.actors().size()) + by_tick) /
                         static_cast<double>(side.operations());
  }
  Conditions conditions = conditions_of(run, side.operations());
  if (batch && side.part) {
    const Nanos empty = line_may_be_empty(facts, run, *side.part);
    if (empty > Nanos{0}) {
      conditions.doubts.push_back(
          fmt::format("for {} all others had been preempted, so that nobody stood in line",
                      wording::duration(empty)));
    }
  }
  return judge(std::move(expected), noise, conditions);
}

Prediction predict_mutex(const WorkloadRun& run, const Side& side, const Noise& noise) {
  Expected expected{.name = "sleeps per operation, mutex",
                    .formula = "at most (N−1) · (preemptions + 1) / operations",
                    .unit = "",
                    .measured = side.each(SwitchCause::kBlocked),
                    .relation = Relation::kAtMost};
  if (side.operations() > 0) {
    const double accidents =
        static_cast<double>(side.part->switches_by(SwitchCause::kPreempted)) + 1;
    expected.predicted = static_cast<double>(run.actors().size() - 1) * accidents /
                         static_cast<double>(side.operations());
  }
  if (!expected.predicted) expected.note = "no operation was done with the mutex";
  return judge(std::move(expected), noise, conditions_of(run, side.operations()));
}

Prediction predict_gain(const WorkloadRun& run, const Side& fifo, const Side& mutex,
                        const Noise& noise) {
  Expected expected{.name = "mutex over fifo-futex",
                    .formula = "operations per second, at least 1: the same work, no switches",
                    .unit = "",
                    .predicted = 1,
                    .relation = Relation::kAtLeast};
  if (fifo.rate() && mutex.rate()) expected.measured = *mutex.rate() / *fifo.rate();
  return judge(std::move(expected), noise,
               conditions_of(run, std::min(fifo.operations(), mutex.operations())));
}

std::string rate_text(const Side& side) {
  return wording::number(static_cast<std::uint64_t>(side.rate().value_or(0)));
}

std::string side_sentence(const Side& side) {
  return fmt::format("{}: {} operations/s, {:.2g} sleeps and {:.2g} preemptions each.", side.lock,
                     rate_text(side), *side.each(SwitchCause::kBlocked),
                     *side.each(SwitchCause::kPreempted));
}

Finding verdict_on(const std::vector<Prediction>& predictions, const Side& fifo,
                   const Side& mutex) {
  Finding finding{.id = "lock-convoy", .verdict = verdict_over(predictions)};
  if (fifo.operations() > 0 && mutex.operations() > 0) {
    finding.claim = fmt::format(
        "Handed over in order the lock cost {:.2g} sleeps per operation and gave {} operations/s; "
        "a mutex {:.2g} and {}.",
        *fifo.each(SwitchCause::kBlocked), rate_text(fifo), *mutex.each(SwitchCause::kBlocked),
        rate_text(mutex));
  } else if (fifo.operations() > 0 || mutex.operations() > 0) {
    finding.claim = side_sentence(fifo.operations() > 0 ? fifo : mutex);
  } else {
    finding.claim = "No operation was done: nothing can be said about the lock.";
    finding.verdict = FindingVerdict::kCannotTell;
  }
  for (const Side* side : {&fifo, &mutex}) {
    if (side->operations() == 0) continue;
    finding.evidence.push_back(side_sentence(*side));
    finding.evidence.push_back(fmt::format(
        "{}: the threads slept for {} and waited for the CPU for {} in all.", side->lock,
        wording::duration(side->part->in(State::kBlocked) + side->part->in(State::kWakeDelay)),
        wording::duration(side->part->in(State::kWaiting))));
  }
  return finding;
}

}  // namespace

Judgement judge_lock_convoy(const Facts& facts, const Noise& noise) {
  const auto run = WorkloadRun::read(facts);
  if (!run) return judgement_without_run(facts, "lock-convoy");
  const Side fifo{.lock = "fifo-futex", .part = read_part(facts, *run, "fifo_futex")};
  const Side mutex{.lock = "mutex", .part = read_part(facts, *run, "mutex")};

  Judgement judgement;
  judgement.workload.ground_truth = run->truth();
  auto& predictions = judgement.workload.predictions;
  if (fifo.part) predictions.push_back(predict_fifo(facts, *run, fifo, noise));
  if (mutex.part) predictions.push_back(predict_mutex(*run, mutex, noise));
  if (fifo.part && mutex.part) predictions.push_back(predict_gain(*run, fifo, mutex, noise));
  for (const Side* side : {&fifo, &mutex}) {
    if (side->operations() == 0) continue;
    judgement.workload.headline.push_back(fmt::format("{}: {} operations/s, {:.2g} sleeps each",
                                                      side->lock, rate_text(*side),
                                                      *side->each(SwitchCause::kBlocked)));
  }
  judgement.findings.push_back(verdict_on(predictions, fifo, mutex));
  return judgement;
}

}  // namespace observe
