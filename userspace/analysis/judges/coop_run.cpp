#include "analysis/judges/coop_run.h"

#include <fmt/format.h>

#include <algorithm>

#include "analysis/judges/prediction.h"
#include "analysis/wording.h"

namespace observe {

std::optional<CoopRun> read_coop_run(const Facts& facts) {
  auto run = WorkloadRun::read(facts);
  if (!run) return std::nullopt;
  const auto carriers = run->actors("coop");
  if (carriers.size() != 1) return std::nullopt;
  std::vector<TaskLane> lanes = user_tasks(facts);
  const auto lane = std::ranges::find(lanes, carriers.front()->lane, &TaskLane::lane);
  if (lane == lanes.end() || lane->thread != carriers.front()->thread) return std::nullopt;

  const auto tasks = run->number("tasks");
  const auto unit = run->number("unit_ns");
  const auto cost = run->number("switch_ns");
  const auto switches = run->number("task_switches");
  const bool sane = tasks && unit && cost && switches && *tasks >= 2 && *tasks < 1e6 && *unit > 0 &&
                    *unit < 1e12 && *cost >= 0 && *cost < 1e9 && *switches >= 0;
  if (!sane) return std::nullopt;
  Actor actor = *carriers.front();
  return CoopRun{.run = *std::move(run),
                 .actor = std::move(actor),
                 .lane = std::move(*lane),
                 .tasks = *tasks,
                 .unit_ns = *unit,
                 .switch_ns = *cost,
                 .task_switches = *switches};
}

double median_wait_ns(const TaskLane& lane) {
  std::vector<double> waits;
  waits.reserve(lane.waits.size());
  for (const TurnWait& wait : lane.waits) {
    waits.push_back(static_cast<double>(to_ns(wait.length())));
  }
  return quantile(std::move(waits), 0.5);
}

Conduct conduct_while_carrying(const Facts& facts, const CoopRun& run) {
  return conduct_of(facts, run.lane.thread, run.lane.turns.front().begin,
                    run.lane.turns.back().begin);
}

std::uint64_t given_up(const Conduct& conduct) {
  return conduct.switches_by(SwitchCause::kBlocked) + conduct.switches_by(SwitchCause::kYielded);
}

report::Prediction predict_task_switches(const Facts& facts, const CoopRun& run,
                                         const Noise& noise) {
  Conditions conditions{.quiet = false};
  if (facts.trace.capture().markers_lost > 0) {
    conditions.doubts.push_back(wording::count(facts.trace.capture().markers_lost, "marker") +
                                " lost");
  }
  return judge({.name = "switches",
                .formula = "one marker for each switch that the tasks counted",
                .unit = "switches",
                .predicted = run.task_switches,
                .measured = static_cast<double>(run.lane.switches)},
               noise, conditions);
}

report::Prediction predict_given_up(const Facts& facts, const CoopRun& run, const Noise& noise) {
  return judge({.name = "blocked",
                .formula = "no task switch blocks or yields the thread",
                .unit = "switches",
                .predicted = 0.0,
                .measured = static_cast<double>(given_up(conduct_while_carrying(facts, run)))},
               noise, {.quiet = false});
}

void add_worst_wait(const Facts& facts, const TaskLane& lane, report::Finding& finding) {
  const TurnWait* const worst = lane.worst();
  if (worst == nullptr) return;
  finding.at = worst->end - facts.trace.begin();
  std::string text =
      fmt::format("The longest wait for a turn: task {}, {}, until {}", worst->task,
                  wording::duration(worst->length()), wording::duration(*finding.at));
  if (const auto hog = lane.hog_of(*worst)) {
    text += fmt::format("; task {} computed for {} of it", hog->task, wording::duration(hog->run));
  }
  if (worst->off_cpu > Nanos{0}) {
    text += fmt::format(", and for {} the thread had no CPU", wording::duration(worst->off_cpu));
  }
  finding.evidence.push_back(text + ".");
}

}  // namespace observe
