#include "render/json.h"

#include <cmath>

#include "base/text.h"
#include "render/json_document.h"

namespace observe::render {
namespace {

using Json = nlohmann::ordered_json;

Json json(const std::string& text) { return text::valid_utf8(text); }
Json json(Nanos value) { return to_ns(value); }
Json json(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

template <class T>
Json json(const std::optional<T>& value) {
  if (!value) return nullptr;
  if constexpr (std::is_integral_v<T>) {
    return *value;
  } else {
    return json(*value);
  }
}

Json json(const report::Value& value) {
  return std::visit(
      [](const auto& held) -> Json {
        using T = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, std::int64_t>) {
          return held;
        } else {
          return json(held);
        }
      },
      value);
}

Json json(const std::vector<std::string>& texts) {
  Json array = Json::array();
  for (const std::string& text : texts) array.push_back(json(text));
  return array;
}

Json json(const std::vector<double>& values) {
  Json array = Json::array();
  for (const double value : values) array.push_back(json(value));
  return array;
}

template <class T, class Convert>
Json list(const std::vector<T>& values, Convert convert) {
  Json array = Json::array();
  for (const T& value : values) array.push_back(convert(value));
  return array;
}

const char* word(report::Relation relation) {
  switch (relation) {
    case report::Relation::kEqual:
      return "equal";
    case report::Relation::kAtMost:
      return "at-most";
    case report::Relation::kAtLeast:
      return "at-least";
  }
  return "";
}

const char* word(report::FindingVerdict verdict) {
  switch (verdict) {
    case report::FindingVerdict::kShown:
      return "shown";
    case report::FindingVerdict::kConsistent:
      return "consistent";
    case report::FindingVerdict::kCannotTell:
      break;
  }
  return "cannot-tell";
}

Json run_json(const report::Run& run) {
  Json parameters = Json::object();
  for (const auto& [name, value] : run.parameters) parameters[text::valid_utf8(name)] = json(value);
  return {{"kind", json(run.kind)},
          {"name", json(run.name)},
          {"command", json(run.command)},
          {"parameters", std::move(parameters)},
          {"seed", run.seed},
          {"started_at", json(run.started_at)},
          {"duration_ns", json(run.duration)},
          {"exit_status", json(run.exit_status)},
          {"end_reason", json(run.end_reason)}};
}

Json host_json(const report::Host& host) {
  return {{"kernel", json(host.kernel)},
          {"arch", json(host.arch)},
          {"cpus_online", host.cpus_online},
          {"hz", json(host.hz)},
          {"preempt_model", json(host.preempt_model)},
          {"scheduler", json(host.scheduler)},
          {"slice_ns", json(host.slice)},
          {"hypervisor", json(host.hypervisor)},
          {"topology", list(host.topology,
                            [](const report::HostCpu& cpu) -> Json {
                              return {{"cpu", cpu.cpu},   {"online", cpu.online},
                                      {"core", cpu.core}, {"package", cpu.package},
                                      {"llc", cpu.llc},   {"node", cpu.node}};
                            })},
          {"boot_options", json(host.boot_options)}};
}

Json capture_json(const report::Capture& capture) {
  Json by_kind = Json::object();
  for (const auto& [kind, count] : capture.by_kind) by_kind[text::valid_utf8(kind)] = count;
  return {{"clock", json(capture.clock)},
          {"events", capture.events},
          {"by_kind", std::move(by_kind)},
          {"lost", capture.lost},
          {"lost_intervals", list(capture.lost_intervals,
                                  [](const report::LostInterval& lost) -> Json {
                                    return {{"cpu", lost.cpu},
                                            {"from_ns", json(lost.from)},
                                            {"to_ns", json(lost.to)},
                                            {"count", lost.count}};
                                  })},
          {"missed_probe_runs", capture.missed_probe_runs},
          {"markers_lost", capture.markers_lost},
          {"damaged_blocks", capture.damaged_blocks},
          {"observer_cpu_ns", json(capture.observer_cpu)},
          {"probe_cpu_ns", json(capture.probe_cpu)},
          {"recording_bytes", capture.recording_bytes},
          {"complete", capture.complete},
          {"notes", json(capture.notes)}};
}

Json totals_json(const report::Totals& totals) {
  return {{"switches", totals.switches},
          {"preempted", totals.preempted},
          {"yielded", totals.yielded},
          {"blocked", totals.blocked},
          {"wakeups", totals.wakeups},
          {"migrations", totals.migrations},
          {"run_ns", json(totals.run)},
          {"wait_ns", json(totals.wait)},
          {"parallelism_mean", json(totals.parallelism_mean)},
          {"concurrency_mean", json(totals.concurrency_mean)}};
}

Json percentiles_json(const report::Percentiles& values, bool with_moment) {
  Json object = {{"count", values.count},
                 {"p50_ns", json(values.p50)},
                 {"p90_ns", json(values.p90)},
                 {"p99_ns", json(values.p99)},
                 {"max_ns", json(values.max)}};
  if (with_moment) object["max_at_ns"] = json(values.max_at);
  return object;
}

Json account_json(const std::optional<report::KernelAccount>& account) {
  if (!account) return nullptr;
  return {{"nvcsw", account->nvcsw},
          {"nivcsw", account->nivcsw},
          {"run_ns", json(account->run)},
          {"run_delay_ns", json(account->run_delay)}};
}

Json thread_json(const report::Thread& thread) {
  const report::WaitByCause& cause = thread.wait_by_cause;
  return {{"tid", thread.tid},
          {"tgid", thread.tgid},
          {"name", json(thread.name)},
          {"role", json(thread.role)},
          {"target", thread.target},
          {"lifetime_ns", json(thread.lifetime)},
          {"run_ns", json(thread.run)},
          {"wait_ns", json(thread.wait)},
          {"wait_by_cause",
           {{"woken", json(cause.woken)},
            {"new", json(cause.fresh)},
            {"preempted", json(cause.preempted)},
            {"yielded", json(cause.yielded)},
            {"unknown", json(cause.unknown)}}},
          {"wake_delay_ns", json(thread.wake_delay)},
          {"blocked_ns", json(thread.blocked)},
          {"blocked_by",
           list(thread.blocked_by,
                [](const report::BlockedBy& by) -> Json {
                  return {{"reason", json(by.reason)}, {"ns", json(by.time)}, {"count", by.count}};
                })},
          {"unknown_ns", json(thread.unknown)},
          {"switches",
           {{"preempted", thread.switches.preempted},
            {"yielded", thread.switches.yielded},
            {"blocked", thread.switches.blocked},
            {"exited", thread.switches.exited}}},
          {"migrations", thread.migrations},
          {"cpus", list(thread.cpus,
                        [](const report::CpuTime& time) -> Json {
                          return {{"cpu", time.cpu}, {"run_ns", json(time.run)}};
                        })},
          {"wait_latency", percentiles_json(thread.wait_latency, true)},
          {"run_slice", percentiles_json(thread.run_slice, false)},
          {"kernel_account", account_json(thread.kernel_account)}};
}

Json cpu_json(const report::CpuSummary& cpu) {
  return {{"cpu", cpu.cpu},
          {"busy_ns", json(cpu.busy)},
          {"idle_ns", json(cpu.idle)},
          {"switches", cpu.switches},
          {"queue_mean", json(cpu.queue_mean)},
          {"queue_max", cpu.queue_max},
          {"utilisation", json(cpu.utilisation)},
          {"target_utilisation", json(cpu.target_utilisation)}};
}

Json role_json(const report::RoleSummary& role) {
  return {{"role", json(role.role)},
          {"threads", role.threads},
          {"lifetime_ns", json(role.lifetime)},
          {"run_ns", json(role.run)},
          {"wait_ns", json(role.wait)},
          {"wake_delay_ns", json(role.wake_delay)},
          {"blocked_ns", json(role.blocked)},
          {"unknown_ns", json(role.unknown)}};
}

Json user_task_thread_json(const report::UserTaskThread& thread) {
  Json worst = nullptr;
  if (thread.worst) {
    worst = {{"task", thread.worst->task},
             {"ran_instead", json(thread.worst->ran_instead)},
             {"ran_ns", json(thread.worst->ran)},
             {"off_cpu_ns", json(thread.worst->off_cpu)}};
  }
  return {{"name", json(thread.name)},
          {"tid", thread.tid},
          {"tasks", thread.tasks},
          {"switches", thread.switches},
          {"kernel_switches", thread.kernel_switches},
          {"contradictions", thread.contradictions},
          {"lifetime_ns", json(thread.lifetime)},
          {"run_ns", json(thread.run)},
          {"wait_for_turn_ns", json(thread.wait_for_turn)},
          {"wait_for_cpu_ns", json(thread.wait_for_cpu)},
          {"blocked_ns", json(thread.blocked)},
          {"unknown_ns", json(thread.unknown)},
          {"waits", percentiles_json(thread.waits, true)},
          {"runs", percentiles_json(thread.runs, false)},
          {"worst", std::move(worst)}};
}

Json longest_json(const std::optional<report::LongestLockWait>& wait) {
  if (!wait) return nullptr;
  return {{"name", json(wait->name)},
          {"tid", wait->tid},
          {"begin_ns", json(wait->begin)},
          {"ns", json(wait->length)},
          {"holders", list(wait->holders, [](const report::LockHolder& holder) -> Json {
             return {{"name", json(holder.name)},    {"tid", holder.tid},
                     {"held_ns", json(holder.held)}, {"run_ns", json(holder.run)},
                     {"wait_ns", json(holder.wait)}, {"blocked_ns", json(holder.blocked)}};
           })}};
}

Json lock_json(const report::Lock& lock) {
  return {{"lock", lock.number},
          {"acquisitions", lock.acquisitions},
          {"abandoned", lock.abandoned},
          {"wait", percentiles_json(lock.wait, true)},
          {"hold", percentiles_json(lock.hold, true)},
          {"longest_wait", longest_json(lock.longest)}};
}

Json workload_json(const std::optional<report::Workload>& workload) {
  if (!workload) return nullptr;
  Json truth = Json::object();
  for (const auto& [name, value] : workload->ground_truth) {
    truth[text::valid_utf8(name)] = json(value);
  }
  return {{"ground_truth", std::move(truth)},
          {"predictions", list(workload->predictions,
                               [](const report::Prediction& prediction) -> Json {
                                 return {{"name", json(prediction.name)},
                                         {"formula", json(prediction.formula)},
                                         {"predicted", json(prediction.predicted)},
                                         {"measured", json(prediction.measured)},
                                         {"unit", json(prediction.unit)},
                                         {"tolerance", json(prediction.tolerance)},
                                         {"relation", word(prediction.relation)},
                                         {"assumes_quiet", prediction.assumes_quiet},
                                         {"verdict", verdict_word(prediction.verdict)},
                                         {"reason", json(prediction.reason)}};
                               })},
          {"headline", json(workload->headline)}};
}

Json finding_json(const report::Finding& finding) {
  return {{"id", json(finding.id)},
          {"verdict", word(finding.verdict)},
          {"claim", json(finding.claim)},
          {"evidence", json(finding.evidence)},
          {"at_ns", json(finding.at)}};
}

Json check_json(const report::SelfCheck& check) {
  return {{"name", json(check.name)},   {"checked", check.checked},
          {"exact", check.exact},       {"worst", json(check.worst)},
          {"unit", json(check.unit)},   {"passed", check.passed},
          {"promised", check.promised}, {"detail", json(check.detail)},
          {"excused", check.excused},   {"applicable", check.applicable}};
}

}  // namespace

const char* verdict_word(report::PredictionVerdict verdict) {
  switch (verdict) {
    case report::PredictionVerdict::kShown:
      return "shown";
    case report::PredictionVerdict::kRefuted:
      return "refuted";
    case report::PredictionVerdict::kInconclusive:
      return "inconclusive";
    case report::PredictionVerdict::kCannotTell:
      break;
  }
  return "cannot-tell";
}

Json summary_document(const report::Summary& summary) {
  Json waits = percentiles_json(summary.waits, true);
  waits["worst_waiter"] = json(summary.worst_waiter);
  return {
      {"schema", kSummarySchema},
      {"run", run_json(summary.run)},
      {"host", host_json(summary.host)},
      {"capture", capture_json(summary.capture)},
      {"totals", totals_json(summary.totals)},
      {"waits", std::move(waits)},
      {"roles", list(summary.roles, role_json)},
      {"holders", list(summary.holders,
                       [](const report::Holder& holder) -> Json {
                         return {{"name", json(holder.name)},
                                 {"tid", holder.tid},
                                 {"target", holder.target},
                                 {"ns", json(holder.time)}};
                       })},
      {"markers", list(summary.markers,
                       [](const report::MarkerCount& marker) -> Json {
                         return {{"name", json(marker.name)},
                                 {"count", marker.count},
                                 {"threads", marker.threads}};
                       })},
      {"locks", list(summary.locks, lock_json)},
      {"threads", list(summary.threads, thread_json)},
      {"cpus", list(summary.cpus, cpu_json)},
      {"user_tasks", summary.user_tasks ? list(summary.user_tasks->threads, user_task_thread_json)
                                        : Json(nullptr)},
      {"workload", workload_json(summary.workload)},
      {"findings", list(summary.findings, finding_json)},
      {"self_checks", list(summary.self_checks, check_json)},
      {"kernel_agreement",
       {{"threads", summary.kernel_agreement.threads},
        {"worst_switches", json(summary.kernel_agreement.worst_switches)},
        {"worst_run_percent", json(summary.kernel_agreement.worst_run_percent)}}},
  };
}

std::string json_summary(const report::Summary& summary) {
  return summary_document(summary).dump(2) + "\n";
}

}  // namespace observe::render
