#include "analysis/judges/counter_predictions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "analysis/judges/prediction.h"
#include "analysis/wording.h"

namespace observe {
namespace {

using report::Prediction;
using report::PredictionVerdict;
using wording::count;
using wording::decimal;

void compare(Prediction& prediction) {
  const double difference = std::abs(*prediction.predicted - *prediction.measured);
  prediction.verdict =
      difference <= prediction.tolerance ? PredictionVerdict::kShown : PredictionVerdict::kRefuted;
}

void leave_open(Prediction& prediction, PredictionVerdict verdict, std::string reason) {
  prediction.verdict = verdict;
  prediction.reason = std::move(reason);
}

// What the recording does not know may hold what is missing.
void keep_open_if_unknown(Prediction& prediction, const CounterRun& run) {
  if (prediction.verdict != PredictionVerdict::kRefuted || run.unknown <= Nanos{0}) return;
  leave_open(prediction, PredictionVerdict::kInconclusive,
             fmt::format("for {} the recording does not say where the counter threads were",
                         wording::duration(run.unknown)));
}

Prediction predict_ledger(const CounterRun& run) {
  Prediction prediction{.name = "ledger",
                        .formula = "expected − observed = Σ (overwritten − loaded)",
                        .predicted = static_cast<double>(run.ledger_sum),
                        .measured = static_cast<double>(run.lost()),
                        .unit = "increments",
                        .assumes_quiet = false};
  // Compared as integers: a double would round.
  prediction.verdict = run.ledger_exact() ? PredictionVerdict::kShown : PredictionVerdict::kRefuted;
  return prediction;
}

// A thread's last slice in its phase may end without an increment, so that a rival who ran threw
// nothing away: one rotation of the threads is in doubt. Beyond that causes and effects must agree
// to one in a hundred.
Prediction predict_stale_stores(const CounterRun& run, const LostUpdates& updates,
                                const Noise& noise) {
  constexpr double kDisagreement = 0.01;
  constexpr double kWidest = 0.25;  // of what is predicted: else nearly any number would do
  const auto rotation = static_cast<double>(run.threads.size());
  const auto predicted = static_cast<double>(updates.in_window);
  const auto stores = static_cast<double>(updates.stores.size());
  Prediction prediction{
      .name = "stale stores",
      .formula = "one for each preemption between load and store during which another ran",
      .predicted = predicted,
      .measured = static_cast<double>(run.stale_stores),
      .unit = "stores",
      .tolerance = std::max(kDisagreement * predicted, rotation),
      .assumes_quiet = false};
  if (noise.lost_events > 0) {
    leave_open(prediction, PredictionVerdict::kInconclusive,
               fmt::format("{} lost", count(noise.lost_events, "event")));
    return prediction;
  }
  if (static_cast<std::int64_t>(updates.stores.size()) != run.stale_stores) {
    leave_open(prediction, PredictionVerdict::kInconclusive,
               fmt::format("{} of {} have a marker", count(updates.stores.size(), "stale store"),
                           wording::number(static_cast<std::uint64_t>(run.stale_stores))));
    return prediction;
  }
  compare(prediction);
  // A store without a cause has no such excuse.
  const auto causeless = static_cast<double>(updates.unmatched());
  if (causeless > std::ceil(kDisagreement * stores)) {
    prediction.verdict = PredictionVerdict::kRefuted;
  }
  prediction.reason =
      fmt::format("{} matched; {} without such a preemption, {} without a stale store",
                  wording::number(updates.matched), count(updates.unmatched(), "store"),
                  count(updates.unexplained(), "preemption"));
  if (prediction.verdict == PredictionVerdict::kRefuted) {
    keep_open_if_unknown(prediction, run);
    return prediction;
  }
  // Where none is predicted, any of the preemptions could have caused one.
  const double cases = predicted > 0 ? predicted : static_cast<double>(updates.preemptions);
  if (prediction.tolerance > kWidest * cases) {
    leave_open(prediction, PredictionVerdict::kInconclusive,
               fmt::format("one rotation of {} is in doubt, too much beside {}: use a longer "
                           "--duration",
                           count(run.threads.size(), "thread"),
                           count(static_cast<std::uint64_t>(cases), "preemption")));
  }
  return prediction;
}

Prediction predict_lost_share(const CounterRun& run, const LostUpdates* updates,
                              const Noise& noise) {
  Prediction prediction{.name = "lost share",
                        .formula =
                            "p(N−1) / (1 + p(N−1)), p: share of preemptions between load "
                            "and store",
                        .measured = run.lost_share(),
                        .unit = "share"};
  if (!run.one_cpu) {
    leave_open(prediction, PredictionVerdict::kCannotTell,
               "the threads ran on more than one CPU: how often loads and stores overlap there "
               "depends on whether the loops fall into step");
    return prediction;
  }
  if (updates == nullptr) {
    leave_open(prediction, PredictionVerdict::kCannotTell,
               "where the compiler put load and store is not known; use --lock none or plain");
    return prediction;
  }
  const std::uint64_t n = updates->preemptions;
  if (n == 0) {
    leave_open(prediction, PredictionVerdict::kInconclusive,
               "no counter thread was preempted in favour of another");
    return prediction;
  }
  const double p = static_cast<double>(updates->in_window) / static_cast<double>(n);
  prediction.predicted = predicted_lost_share(p, run.threads.size());
  prediction.tolerance = lost_share_tolerance(p, run.threads.size(), n);
  const std::string measured_p = fmt::format("p = {} over {}", decimal(p), count(n, "preemption"));
  if (!noise.quiet()) {
    leave_open(prediction, PredictionVerdict::kInconclusive,
               fmt::format("{}; {}", fmt::join(noise.causes, "; "), measured_p));
  } else if (const auto enough = enough_preemptions(p, run.threads.size()); n < enough) {
    leave_open(prediction, PredictionVerdict::kInconclusive,
               fmt::format("{}, and {} are needed: use a longer --duration", measured_p,
                           wording::number(enough)));
  } else {
    compare(prediction);
    prediction.reason = measured_p;
  }
  return prediction;
}

Prediction predict_nothing_lost(const CounterRun& run) {
  Prediction prediction{.name = "lost updates",
                        .formula = run.nature == CounterNature::kCorrect
                                       ? "0: increments are done one at a time"
                                       : "0: an interrupt comes before or after an instruction",
                        .predicted = 0,
                        .measured = static_cast<double>(run.lost()),
                        .unit = "increments",
                        .assumes_quiet = false};
  compare(prediction);
  return prediction;
}

// The rule of kernel/rseq.c (rseq_ip_fixup, 5.10 to 6.18): a switch marks the thread, and a return
// to user mode that handles the mark restarts it if its next instruction lies within the sequence.
// Outside of the sequence the mark stays. So every switch within it is a restart, one for all
// switches before that return; and any other work on the way back to user mode makes a restart of a
// mark that stayed. For a thread in a loop without system calls that is what the tick asks for: the
// scan for unused concurrency ids, every 100 ms for each process (MM_CID_SCAN_DELAY), and that of
// NUMA balancing, every second for each thread (sysctl_numa_balancing_scan_period_min). No event
// tells of them.
Prediction predict_restarts(const CounterRun& run, const LostUpdates& updates, const Noise& noise) {
  Prediction prediction =
      judge({.name = "restarts",
             .formula = "at least one for each switch within the restartable sequence",
             .unit = "restarts",
             .predicted = static_cast<double>(updates.in_sequence),
             .measured = static_cast<double>(run.restarts),
             .tolerance = static_cast<double>(updates.repeated),
             .relation = report::Relation::kAtLeast},
            noise, {.quiet = false});
  keep_open_if_unknown(prediction, run);
  if (prediction.verdict != PredictionVerdict::kShown) return prediction;
  const std::int64_t more = run.restarts - static_cast<std::int64_t>(updates.in_sequence);
  if (more <= 0) return prediction;
  Nanos longest{};
  for (const CounterThread& thread : run.threads) {
    longest = std::max(longest, thread.end - thread.begin);
  }
  const std::int64_t tenths = 1 + longest / std::chrono::milliseconds(100);
  const std::int64_t seconds = 1 + longest / std::chrono::seconds(1);
  const std::int64_t scans = tenths + seconds * static_cast<std::int64_t>(run.threads.size());
  const std::string extra = count(static_cast<std::uint64_t>(more), "restart");
  if (more > scans) {
    leave_open(prediction, PredictionVerdict::kInconclusive,
               fmt::format("{} without a switch there, and the kernel's scans explain {} at most",
                           extra, scans));
  } else {
    prediction.reason = fmt::format(
        "{} without a switch there: the kernel's periodic scans restart a sequence too, when the "
        "thread was switched out before",
        extra);
  }
  return prediction;
}

}  // namespace

double predicted_lost_share(double p, std::size_t threads) {
  const double rivals = p * (static_cast<double>(threads) - 1);
  return rivals / (1 + rivals);
}

double lost_share_tolerance(double p, std::size_t threads, std::uint64_t preemptions) {
  const auto n = static_cast<double>(preemptions);
  // Laplace's estimate, so that p = 0 and p = 1 are not taken for certainties.
  const double likely = (p * n + 1) / (n + 2);
  const double error = std::sqrt(likely * (1 - likely) / n);
  const double others = static_cast<double>(threads) - 1;
  const double slope = others / ((1 + p * others) * (1 + p * others));
  return 3 * slope * error + static_cast<double>(threads) / n;
}

std::uint64_t enough_preemptions(double p, std::size_t threads) {
  constexpr std::uint64_t kLeast = 100;
  constexpr std::uint64_t kMost = std::uint64_t{1} << 40;  // days of them
  // The tolerance falls with n, so that halving finds the first that is enough.
  std::uint64_t low = kLeast;
  std::uint64_t high = kMost;
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (lost_share_tolerance(p, threads, middle) <= kWidestShareTolerance) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

std::vector<Prediction> predict_counter(const CounterRun& run, const LostUpdates* updates,
                                        const Noise& noise) {
  std::vector<Prediction> predictions;
  if (run.has_ledger) predictions.push_back(predict_ledger(run));
  switch (run.nature) {
    case CounterNature::kRace:
      if (run.has_ledger && run.one_cpu && updates != nullptr) {
        predictions.push_back(predict_stale_stores(run, *updates, noise));
      }
      predictions.push_back(predict_lost_share(run, updates, noise));
      break;
    case CounterNature::kOneInstruction:
      if (run.one_cpu) {
        predictions.push_back(predict_nothing_lost(run));
      } else {
        predictions.push_back(predict_lost_share(run, nullptr, noise));
      }
      break;
    case CounterNature::kCorrect:
      predictions.push_back(predict_nothing_lost(run));
      if (run.lock == "rseq" && updates != nullptr) {
        predictions.push_back(predict_restarts(run, *updates, noise));
      }
      break;
  }
  return predictions;
}

}  // namespace observe
