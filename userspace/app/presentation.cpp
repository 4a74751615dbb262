#include "app/presentation.h"

#include <unistd.h>

#include <algorithm>
#include <functional>

#include "analysis/summarise.h"
#include "analysis/timelines.h"
#include "app/progress.h"
#include "app/terminal_device.h"
#include "render/json.h"
#include "render/repetitions.h"
#include "render/terminal.h"
#include "workloads/frame/spec.h"

namespace observe::app {
namespace {

render::SummaryOptions options_for(const report::Run& run, const OutputChoice& choice,
                                   const std::vector<std::string>& files) {
  return {.style = style_for(STDOUT_FILENO, choice.colour),
          .parameters = parameters_to_show(run),
          .files = files};
}

// The JSON where it is wanted, and the words for people where they are.
Result<void> write_both(const OutputChoice& choice, std::optional<OutputFile>& json,
                        const std::function<std::string()>& document,
                        const std::function<std::string()>& words) {
  const bool json_on_stdout = choice.json == "-";
  if (choice.json) {
    const std::string text = document();
    const Result<void> written = json_on_stdout
                                     ? write_all(STDOUT_FILENO, text, "the JSON to standard output")
                                     : write_all(json->fd(), text, json->path().native());
    if (!written) return written;
    if (json) json->keep();
  }
  if (choice.quiet || json_on_stdout) return {};
  return write_all(STDOUT_FILENO, words(), "the summary to standard output");
}

}  // namespace

report::Summary summarise_trace(const Trace& trace, bool show_progress) {
  const Progress progress("analysing the recording", show_progress);
  const Timelines timelines = build_timelines(trace);
  return summarise(Facts{trace, timelines});
}

std::vector<std::string> parameters_to_show(const report::Run& run) {
  std::vector<std::string> names;
  const workloads::Spec* workload = run.kind == "workload" ? workloads::find(run.name) : nullptr;
  if (workload == nullptr) return names;
  const auto add = [&](std::string_view name) {
    if (std::ranges::find(names, name) == names.end()) names.emplace_back(name);
  };
  const auto add_changed = [&](const workloads::Parameter& parameter) {
    const std::string_view fallback = workloads::default_of(*workload, parameter);
    const auto value = run.parameters.find(std::string(parameter.name));
    // Without a default the value is the machine's own: the CPUs that are allowed.
    const bool changed = value != run.parameters.end() && !fallback.empty();
    if (changed && value->second != fallback) add(parameter.name);
  };
  if (!workload->parameters.empty()) add(workload->parameters.front().name);
  std::ranges::for_each(workload->parameters, add_changed);
  std::ranges::for_each(workloads::common_parameters(), add_changed);
  for (const char* usual : {"threads", "place"}) add(usual);
  for (const workloads::Parameter& parameter : workload->parameters) add(parameter.name);
  return names;
}

Result<void> present(const report::Summary& summary, const OutputChoice& choice,
                     std::optional<OutputFile>& json, const std::vector<std::string>& files) {
  return write_both(
      choice, json, [&] { return render::json_summary(summary); },
      [&] { return render::terminal_summary(summary, options_for(summary.run, choice, files)); });
}

Result<void> present(const report::Repetitions& series, const OutputChoice& choice,
                     std::optional<OutputFile>& json, const std::vector<std::string>& files) {
  return write_both(
      choice, json, [&] { return render::json_repetitions(series); },
      [&] {
        const report::Run& first = series.summaries.front().run;
        return render::terminal_repetitions(series, options_for(first, choice, files));
      });
}

bool strictly_good(const report::Summary& summary) {
  const report::Capture& capture = summary.capture;
  return capture.lost == 0 && capture.missed_probe_runs == 0 && capture.markers_lost == 0 &&
         capture.damaged_blocks == 0 && capture.complete &&
         std::ranges::all_of(summary.self_checks, [](const report::SelfCheck& check) {
           return check.passed || !check.promised || !check.applicable;
         });
}

}  // namespace observe::app
