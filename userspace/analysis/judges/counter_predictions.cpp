#include "analysis/judges/counter_predictions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

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

Prediction predict_ledger(const CounterRun& run) {
  Prediction prediction{.name = "ledger",
                        .formula = "expected − observed = Σ (overwritten − loaded)",
                        .predicted = static_cast<double>(run.ledger_sum),
                        .measured = static_cast<double>(run.lost()),
                        .unit = "increments"};
  // Compared as integers: a double would round.
  prediction.verdict = run.ledger_exact() ? PredictionVerdict::kShown : PredictionVerdict::kRefuted;
  return prediction;
}

// A thread's last slice in its phase may end without an increment, so that a rival who ran threw
// nothing away; else causes and effects must agree to one in a hundred.
Prediction predict_stale_stores(const CounterRun& run, const LostUpdates& updates,
                                const Noise& noise) {
  const auto predicted = static_cast<double>(updates.in_window);
  Prediction prediction{
      .name = "stale stores",
      .formula = "one for each preemption between load and store during which another ran",
      .predicted = predicted,
      .measured = static_cast<double>(updates.matched),
      .unit = "stores",
      .tolerance = std::max(0.01 * predicted, static_cast<double>(run.threads.size()))};
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
  const bool others = static_cast<double>(updates.unmatched()) > prediction.tolerance;
  if (others) prediction.verdict = PredictionVerdict::kRefuted;
  if (prediction.verdict == PredictionVerdict::kRefuted && run.unknown > Nanos{0}) {
    leave_open(prediction, PredictionVerdict::kInconclusive,
               fmt::format("for {} the recording does not say where the counter threads were",
                           wording::duration(run.unknown)));
    return prediction;
  }
  prediction.reason =
      fmt::format("{} without such a preemption, {} without a stale store",
                  count(updates.unmatched(), "store"), count(updates.unexplained(), "preemption"));
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
  } else if (n < kEnoughPreemptions) {
    leave_open(prediction, PredictionVerdict::kInconclusive,
               fmt::format("{}, and {} are needed: use a longer --duration", measured_p,
                           kEnoughPreemptions));
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
                        .unit = "increments"};
  compare(prediction);
  return prediction;
}

Prediction predict_restarts(const CounterRun& run, const LostUpdates& updates, const Noise& noise) {
  Prediction prediction{.name = "restarts",
                        .formula = "one for each switch within the restartable sequence",
                        .predicted = static_cast<double>(updates.in_sequence),
                        .measured = static_cast<double>(run.restarts),
                        .unit = "restarts"};
  if (noise.lost_events > 0) {
    leave_open(prediction, PredictionVerdict::kInconclusive,
               fmt::format("{} lost", count(noise.lost_events, "event")));
    return prediction;
  }
  compare(prediction);
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
