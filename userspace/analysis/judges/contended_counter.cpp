// What became of the increments of the contended counter, and why.
#include <fmt/format.h>

#include <algorithm>

#include "analysis/judges/counter_predictions.h"
#include "analysis/judges/counter_run.h"
#include "analysis/judges/judge.h"
#include "analysis/judges/lost_updates.h"
#include "analysis/judges/prediction.h"
#include "analysis/wording.h"

namespace observe {
namespace {

using report::Finding;
using report::FindingVerdict;
using report::PredictionVerdict;
using wording::duration;
using wording::number;
using wording::percent;

std::uint64_t unsigned_of(std::int64_t value) {
  return value > 0 ? static_cast<std::uint64_t>(value) : 0;
}

std::string signed_number(std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value);
  return value < 0 ? "-" + number(~bits + 1) : number(bits);
}

// Nanoseconds per increment, which may be below one.
std::string cost(double nanoseconds) {
  return nanoseconds < 100 ? fmt::format("{:.2g} ns", nanoseconds)
                           : duration(Nanos{static_cast<std::int64_t>(nanoseconds)});
}

// How many times the CPU time of one of --lock none, alone, an increment took; 0 where that was not
// measured or tells nothing: loops of --window and --gap outweigh the increment, and a factor below
// one by more than the measure's own error would be a price of nothing.
double price(const CounterRun& run) {
  if (!run.bare || run.none_cpu_ns_per_op <= 0) return 0;
  const double factor = run.cpu_ns_per_op / run.none_cpu_ns_per_op;
  return factor < 1 - run.none_error ? 0 : factor;
}

double each(const CounterRun& run, double whole) {
  return whole / static_cast<double>(run.expected);
}

std::string times(double factor) {
  return factor < 10 ? fmt::format("{:.1f}x", factor) : fmt::format("{:.0f}x", factor);
}

std::string ledger_sentence(const CounterRun& run) {
  if (!run.ledger_exact()) {
    return fmt::format("The ledger does not balance: {} are missing, and {} were thrown away.",
                       signed_number(run.lost()), signed_number(run.ledger_sum));
  }
  return fmt::format("Ledger exact: {} − {} = {} thrown away by {}.",
                     number(unsigned_of(run.expected)), number(unsigned_of(run.observed)),
                     signed_number(run.ledger_sum),
                     wording::count(unsigned_of(run.stale_stores), "stale store"));
}

void add_worst_store(const Facts& facts, const CounterRun& run, const LostUpdates& updates,
                     Finding& finding) {
  const auto worst = std::ranges::max_element(updates.stores, {}, &StaleStore::thrown_away);
  if (worst == updates.stores.end() || !worst->absence || worst->thrown_away <= 0) return;
  const Absence& absence = updates.absences[*worst->absence];
  finding.at = worst->at - facts.trace.begin();
  finding.evidence.push_back(fmt::format(
      "The most expensive one: at {} {} came back after {} and threw away {} increments.",
      duration(*finding.at), wording::thread(facts, run.threads[worst->thread].ref),
      duration(absence.in - absence.out), number(unsigned_of(worst->thrown_away))));
}

std::string window_sentence(const LostUpdates& updates) {
  return fmt::format("Of {} by another counter {} fell between load and store.",
                     wording::count(updates.preemptions, "preemption"), number(updates.in_window));
}

std::string stores_sentence(const LostUpdates& updates) {
  constexpr std::string_view kCause = "a preemption between load and store";
  const std::uint64_t stores = updates.stores.size();
  if (updates.unmatched() > 0) {
    return fmt::format("{} of {} {} {}", number(updates.matched),
                       wording::count(stores, "stale store"),
                       updates.matched == 1 ? "follows" : "follow", kCause);
  }
  return stores == 1
             ? fmt::format("the one stale store follows {}", kCause)
             : fmt::format("each of the {} stale stores follows {}", number(stores), kCause);
}

// --lock none on one CPU: every stale store with its preemption.
Finding judge_causes(const Facts& facts, const CounterRun& run, const LostUpdates& updates,
                     const report::Prediction& causes) {
  Finding finding{.id = "lost-updates"};
  const std::string lost = fmt::format("{} of the increments were lost", percent(run.lost_share()));
  if (causes.verdict == PredictionVerdict::kInconclusive) {
    finding.verdict = FindingVerdict::kCannotTell;
    finding.claim = fmt::format("{}; by what cannot be told: {}.", lost, causes.reason);
  } else if (!run.ledger_exact() || causes.verdict == PredictionVerdict::kRefuted) {
    finding.verdict = FindingVerdict::kCannotTell;
    finding.claim = fmt::format("{}; {}.", lost, stores_sentence(updates));
  } else if (updates.stores.empty()) {
    finding.verdict = FindingVerdict::kShown;
    finding.claim = fmt::format("Nothing was lost: none of {} fell between load and store.",
                                wording::count(updates.preemptions, "preemption"));
  } else {
    finding.verdict = FindingVerdict::kShown;
    finding.claim = fmt::format("{}; {}.", lost, stores_sentence(updates));
  }
  finding.evidence.push_back(window_sentence(updates));
  finding.evidence.push_back(ledger_sentence(run));
  add_worst_store(facts, run, updates, finding);
  return finding;
}

Finding judge_overlap(const CounterRun& run, const LostUpdates* updates) {
  Finding finding{.id = "lost-updates"};
  const std::string together = duration(run.together);
  if (run.lost() == 0 && run.stale_stores == 0) {
    finding.verdict = FindingVerdict::kConsistent;
    finding.claim =
        fmt::format("Nothing was lost, though threads ran at the same time for {}.", together);
    return finding;
  }
  // The preemptions in the window can have caused one stale store each, and no more.
  const bool proven = run.ledger_exact() && run.together > Nanos{0} && updates != nullptr &&
                      unsigned_of(run.stale_stores) > updates->in_window;
  finding.verdict = proven ? FindingVerdict::kShown : FindingVerdict::kConsistent;
  finding.claim = fmt::format(
      "{} of the increments were lost: threads ran at the same time for {}, "
      "and their loads and stores overlapped.",
      percent(run.lost_share()), together);
  if (run.has_ledger) finding.evidence.push_back(ledger_sentence(run));
  if (updates != nullptr && run.has_ledger) {
    finding.evidence.push_back(fmt::format(
        "Preemptions between load and store: {}. They explain no more of the {}.",
        number(updates->in_window), wording::count(unsigned_of(run.stale_stores), "stale store")));
  }
  return finding;
}

// A race on one CPU without a ledger.
Finding judge_unledgered(const CounterRun& run, const LostUpdates* updates,
                         const report::Prediction& share) {
  Finding finding{.id = "lost-updates", .verdict = FindingVerdict::kConsistent};
  finding.claim = fmt::format("{} of the increments were lost", percent(run.lost_share()));
  if (share.predicted) {
    finding.claim += fmt::format(
        ", and {} was to be expected from preemptions between load and "
        "store",
        percent(*share.predicted));
  }
  if (share.verdict == PredictionVerdict::kInconclusive) {
    finding.verdict = FindingVerdict::kCannotTell;
    finding.claim += ": " + share.reason;
  } else if (share.verdict == PredictionVerdict::kRefuted) {
    finding.verdict = FindingVerdict::kCannotTell;
  }
  finding.claim += ".";
  if (updates != nullptr) finding.evidence.push_back(window_sentence(*updates));
  finding.evidence.emplace_back(
      "No thread keeps a ledger here: which store lost what is not known; see --lock none.");
  return finding;
}

std::string cost_sentence(const CounterRun& run) {
  std::string text = fmt::format("One increment took {} of CPU time", cost(run.cpu_ns_per_op));
  if (price(run) > 0) {
    text += fmt::format(", {}{} that of none alone", run.none_error > 0.1 ? "about " : "",
                        times(price(run)));
  }
  return text;
}

Finding judge_fix(const CounterRun& run) {
  Finding finding{.id = "lost-updates", .verdict = FindingVerdict::kShown};
  finding.claim = run.lost() == 0
                      ? fmt::format("Nothing was lost of {} increments. {} ({}).",
                                    number(unsigned_of(run.expected)), cost_sentence(run), run.lock)
                      : fmt::format("{} lost {} of {} increments, though it must lose none.",
                                    run.lock, run.lost(), number(unsigned_of(run.expected)));
  return finding;
}

Finding judge_cost(const CounterRun& run) {
  Finding finding{.id = "cost", .verdict = FindingVerdict::kShown};
  finding.claim = cost_sentence(run) + ".";
  finding.evidence.push_back(
      fmt::format("All threads together did one every {}.", cost(run.ns_per_op)));
  finding.evidence.push_back(fmt::format(
      "{:.2g} switches for each increment: {}, {} by blocking; none is only preempted.",
      each(run, static_cast<double>(run.preempted + run.blocked)),
      wording::count(run.preempted, "preemption"), wording::count(run.blocked, "switch-out")));
  finding.evidence.push_back(fmt::format(
      "Off the CPU in futex for {} in all, {:.2g} ns for each increment; none never "
      "blocks.",
      duration(run.off_in_futex), each(run, static_cast<double>(to_ns(run.off_in_futex)))));
  if (run.none_cpu_ns_per_op > 0 && run.unlocked_cpu_ns_per_op > 0) {
    finding.evidence.push_back(fmt::format(
        "Alone in the same process an increment of none took {} and a plain one without ledger {} "
        "({} and {} from before to after the run).",
        cost(run.none_cpu_ns_per_op), cost(run.unlocked_cpu_ns_per_op), percent(run.none_error),
        percent(run.unlocked_error)));
  }
  return finding;
}

std::vector<std::string> headline_of(const CounterRun& run, const LostUpdates* updates) {
  std::vector<std::string> lines;
  lines.push_back(run.lost() == 0
                      ? fmt::format("{} increments, none lost", number(unsigned_of(run.expected)))
                      : fmt::format("{} of {} increments lost ({})", signed_number(run.lost()),
                                    number(unsigned_of(run.expected)), percent(run.lost_share())));
  if (run.nature == CounterNature::kCorrect) {
    std::string line = fmt::format("{}: {} of CPU each", run.lock, cost(run.cpu_ns_per_op));
    if (price(run) > 0) line += fmt::format(", {} none", times(price(run)));
    lines.push_back(line +
                    fmt::format("; {:.2g} switches each",
                                each(run, static_cast<double>(run.preempted + run.blocked))));
  } else if (run.has_ledger && run.one_cpu && updates != nullptr) {
    lines.push_back(fmt::format("{}, {} after a preemption between load and store",
                                wording::count(unsigned_of(run.stale_stores), "stale store"),
                                number(updates->matched)));
  } else if (run.has_ledger) {
    lines.push_back(fmt::format("{}; ledger {}",
                                wording::count(unsigned_of(run.stale_stores), "stale store"),
                                run.ledger_exact() ? "exact" : "does not balance"));
  }
  return lines;
}

Finding judge_verdict(const Facts& facts, const CounterRun& run, const LostUpdates* updates,
                      const std::vector<report::Prediction>& predictions) {
  if (run.nature == CounterNature::kCorrect) return judge_fix(run);
  if (!run.one_cpu) return judge_overlap(run, updates);
  if (run.nature == CounterNature::kOneInstruction) {
    Finding finding = judge_fix(run);
    if (run.lost() == 0) {
      finding.claim = fmt::format(
          "Nothing was lost of {} increments: on one CPU one instruction is never interrupted "
          "half-way.",
          number(unsigned_of(run.expected)));
    }
    return finding;
  }
  if (const auto* causes = find_prediction(predictions, "stale stores")) {
    return judge_causes(facts, run, *updates, *causes);
  }
  const auto* share = find_prediction(predictions, "lost share");
  return judge_unledgered(run, updates, *share);
}

Judgement without_facts(const Facts& facts, std::string reason) {
  Judgement judgement;
  if (facts.trace.workload()) judgement.workload.ground_truth = facts.trace.workload()->truth;
  judgement.findings.push_back(
      {.id = "lost-updates", .verdict = FindingVerdict::kCannotTell, .claim = std::move(reason)});
  return judgement;
}

}  // namespace

Judgement judge_contended_counter(const Facts& facts, const Noise& noise) {
  const auto run = read_counter_run(facts);
  if (!run) {
    return without_facts(facts,
                         "What became of the increments is not known: the workload's own "
                         "results are missing or make no sense.");
  }
  if (!run->all_threads_found) {
    return without_facts(facts,
                         "Not all of the workload's threads are in the recording: what "
                         "became of their increments cannot be explained.");
  }
  Judgement judgement;
  auto& truth = judgement.workload.ground_truth;
  truth = facts.trace.workload()->truth;
  std::optional<LostUpdates> updates;
  if (run->window) {
    updates = match_lost_updates(facts, run->threads, *run->window);
    truth["in_window_preemptions"] = static_cast<std::int64_t>(updates->in_window);
    if (run->has_ledger && run->one_cpu) {
      truth["matched_preemptions"] = static_cast<std::int64_t>(updates->matched);
    }
  }
  const LostUpdates* found = updates ? &*updates : nullptr;
  judgement.workload.predictions = predict_counter(*run, found, noise);
  judgement.workload.headline = headline_of(*run, found);
  judgement.findings.push_back(judge_verdict(facts, *run, found, judgement.workload.predictions));
  judgement.findings.push_back(judge_cost(*run));
  return judgement;
}

}  // namespace observe
