// How long the polite wait for the rude: as cooperative tasks, from markers; as kernel threads,
// from the kernel's events.
#include <fmt/format.h>

#include <algorithm>

#include "analysis/judges/coop_run.h"
#include "analysis/judges/judge.h"
#include "analysis/judges/prediction.h"
#include "analysis/judges/together.h"
#include "analysis/wording.h"

namespace observe {
namespace {

using wording::duration;

constexpr std::uint32_t kHogTask = 0;
constexpr std::uint64_t kEnoughHogTurns = 5;
constexpr std::uint64_t kEnoughWaits = 20;

// Cooperative tasks.
struct TaskPhase {
  CoopRun run;
  double hog_ns = 0;
  std::vector<double> waits;  // of the polite ones, ms
  double longest = 0;         // of these, ms, without what the thread itself waited for a CPU
  std::uint64_t hog_turns = 0;

  double predicted() const {
    return (hog_ns + (run.tasks - 2) * run.unit_ns + (run.tasks - 1) * run.switch_ns) / 1e6;
  }
};

std::optional<TaskPhase> read_tasks(const Facts& facts) {
  auto run = read_coop_run(facts);
  if (!run) return std::nullopt;
  const auto hog = run->run.number("hog_ns");
  if (!hog || !(*hog > 0) || *hog > 1e12) return std::nullopt;
  TaskPhase phase{.run = *std::move(run), .hog_ns = *hog};
  for (const TurnWait& wait : phase.run.lane.waits) {
    if (wait.task == kHogTask) continue;
    phase.waits.push_back(milliseconds(wait.length()));
    phase.longest = std::max(phase.longest, milliseconds(wait.length() - wait.off_cpu));
  }
  for (const UserTask& task : phase.run.lane.tasks) {
    if (task.task == kHogTask) phase.hog_turns += task.turns;
  }
  return phase;
}

void predict_tasks(const TaskPhase& phase, const Noise& noise,
                   std::vector<report::Prediction>& predictions) {
  const Conditions conditions{.samples = phase.hog_turns, .enough = kEnoughHogTurns};
  Expected wait{.name = "tasks wait",
                .formula = "H + (n − 2) · u + (n − 1) · c",
                .unit = "ms",
                .predicted = phase.predicted(),
                .measured = quantile(phase.waits, 0.5),
                .tolerance = noise_limits::kCalibrationError * phase.predicted()};
  if (phase.waits.empty()) wait.measured.reset();
  Expected longest = wait;
  longest.name = "worst task";
  if (longest.measured) longest.measured = phase.longest;
  // Nobody promises that it is not longer: a busy hypervisor, for one, makes a single turn longer.
  longest.relation = report::Relation::kAtLeast;
  longest.note = "without what the thread itself waited for a CPU";
  predictions.push_back(judge(std::move(wait), noise, conditions));
  predictions.push_back(judge(std::move(longest), noise, conditions));
}

// Kernel threads.
struct ThreadPhase {
  std::vector<Wait> waits;        // of the polite ones, after a preemption
  std::vector<Wait> undisturbed;  // of these, nobody from outside ran meanwhile
  std::optional<FairTurn> turn;
  double threads = 0;

  double median() const { return quantile(in_milliseconds(undisturbed), 0.5); }
  const Wait* longest() const {
    const auto found = std::ranges::max_element(waits, {}, &Wait::length);
    return found == waits.end() ? nullptr : &*found;
  }
};

// From the moment when all compute to the moment when the first of them stops.
std::optional<ThreadPhase> read_threads(const Facts& facts, const WorkloadRun& run) {
  std::vector<const Actor*> actors = run.actors("polite");
  const std::vector<const Actor*> hogs = run.actors("hog");
  if (actors.empty() || hogs.size() != 1) return std::nullopt;
  const std::size_t polite = actors.size();
  actors.push_back(hogs.front());
  Time begin = run.begin();
  Time end = run.end();
  for (const Actor* actor : actors) {
    const std::vector<Marker> phases = markers_of(facts, *actor, MarkerKind::kPhase);
    if (phases.empty()) return std::nullopt;
    begin = std::max(begin, phases.front().at);
    end = std::min(end, actor->end);
  }
  ThreadPhase phase;
  phase.threads = static_cast<double>(actors.size());
  phase.turn = turn_of(facts, actors.size(), *hogs.front());
  const Together all = together(facts, actors, begin, end);
  for (std::size_t i = 0; i < polite; ++i) {
    std::ranges::copy_if(all.conducts[i].waits, std::back_inserter(phase.waits),
                         [](const Wait& wait) { return wait.cause == WaitCause::kPreempted; });
  }
  phase.undisturbed = undisturbed_waits(facts, actors, phase.waits);
  return phase;
}

void predict_threads(const Facts& facts, const ThreadPhase& phase, const Noise& noise,
                     std::vector<report::Prediction>& predictions) {
  Conditions conditions =
      undisturbed_conditions(phase.undisturbed.size(), phase.waits.size(), kEnoughWaits, "waits");
  Expected wait{.name = "threads wait", .formula = "(n − 1) · turn", .unit = "ms"};
  Expected longest{.name = "worst thread",
                   .formula = "2 · n · turn",
                   .unit = "ms",
                   .relation = report::Relation::kAtMost};
  if (!phase.turn) {
    conditions.lacking.push_back(why_no_fair_turn(facts.trace.host()));
  } else {
    const double turn = milliseconds(phase.turn->turn);
    const double tick = milliseconds(phase.turn->tick);
    wait.predicted = (phase.threads - 1) * turn;
    // While a thread waits, it falls behind its share by an n-th of the time. It is never further
    // ahead of its share than a turn, nor further behind.
    longest.predicted = 2 * phase.threads * turn;
    // Turns are whole ticks, so that the nearest other value is a tick away.
    wait.tolerance = tick / 2 + (phase.turn->ambiguous ? (phase.threads - 1) * tick : 0);
    longest.tolerance = tick / 2 + (phase.turn->ambiguous ? 2 * phase.threads * tick : 0);
  }
  if (!phase.undisturbed.empty()) wait.measured = phase.median();
  predictions.push_back(judge(std::move(wait), noise, conditions));
  if (phase.longest() != nullptr) longest.measured = milliseconds(phase.longest()->length());
  Conditions of_all{.samples = phase.waits.size(), .enough = kEnoughWaits};
  of_all.lacking = conditions.lacking;
  predictions.push_back(judge(std::move(longest), noise, of_all));
}

std::string claim_of(const TaskPhase* tasks, const ThreadPhase* threads) {
  const auto task_wait = [&] { return duration(from_milliseconds(quantile(tasks->waits, 0.5))); };
  const auto thread_wait = [&] { return duration(from_milliseconds(threads->median())); };
  const auto hog = [&] { return duration(Nanos{static_cast<std::int64_t>(tasks->hog_ns)}); };
  if (tasks != nullptr && threads != nullptr) {
    return fmt::format(
        "A task that computes for {} holds up the other tasks for {}; as kernel threads they wait "
        "{} for their turn, whatever the hog does.",
        hog(), task_wait(), thread_wait());
  }
  if (tasks != nullptr) {
    return fmt::format("A task that computes for {} holds up the other tasks for {}.", hog(),
                       task_wait());
  }
  return fmt::format("As kernel threads the polite wait {} for their turn, whatever the hog does.",
                     thread_wait());
}

report::Finding finding_of(const Facts& facts, const TaskPhase* tasks, const ThreadPhase* threads,
                           const std::vector<report::Prediction>& predictions) {
  report::Finding finding{.id = "coop-hog", .verdict = verdict_over(predictions)};
  finding.claim = claim_of(tasks, threads);
  finding.claim += not_shown(predictions);
  if (tasks != nullptr) {
    add_worst_wait(facts, tasks->run.lane, finding);
    const Conduct conduct = conduct_while_carrying(facts, tasks->run);
    finding.evidence.push_back(fmt::format(
        "Of that the kernel knows nothing: the one thread that carried the tasks ran for {} and "
        "waited for a CPU for {}.",
        duration(conduct.in(State::kRunning)), duration(conduct.in(State::kWaiting))));
  }
  if (threads != nullptr && threads->longest() != nullptr) {
    const Wait& longest = *threads->longest();
    finding.evidence.push_back(fmt::format("The longest wait as a kernel thread: {}, {}, until {}.",
                                           wording::thread(facts, longest.thread),
                                           duration(longest.length()),
                                           duration(longest.end - facts.trace.begin())));
  }
  return finding;
}

}  // namespace

Judgement judge_coop_hog(const Facts& facts, const Noise& noise) {
  const auto run = WorkloadRun::read(facts);
  if (!run) return judgement_without_run(facts, "coop-hog");
  const auto tasks = read_tasks(facts);
  const auto threads = read_threads(facts, *run);
  const bool complete = (tasks || !run->fact<bool>("as_tasks").value_or(true)) &&
                        (threads || !run->fact<bool>("as_threads").value_or(true));
  if (!complete || (!tasks && !threads)) return judgement_without_run(facts, "coop-hog");
  const TaskPhase* const task_phase = tasks ? &*tasks : nullptr;
  const ThreadPhase* const thread_phase = threads ? &*threads : nullptr;

  Judgement judgement;
  judgement.workload.ground_truth = facts.trace.workload()->truth;
  auto& predictions = judgement.workload.predictions;
  if (tasks) {
    predict_tasks(*tasks, noise, predictions);
    judgement.workload.headline.push_back(
        fmt::format("as tasks: {} hog turns, others wait {}", tasks->hog_turns,
                    duration(from_milliseconds(quantile(tasks->waits, 0.5)))));
  }
  if (threads) {
    predict_threads(facts, *threads, noise, predictions);
    judgement.workload.headline.push_back(
        fmt::format("as threads: {} wait {}", wording::count(threads->waits.size(), "preemption"),
                    duration(from_milliseconds(threads->median()))));
  }
  judgement.findings.push_back(finding_of(facts, task_phase, thread_phase, predictions));
  return judgement;
}

}  // namespace observe
