#include "app/session.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "app/message.h"
#include "app/output_files.h"
#include "app/presentation.h"
#include "app/record.h"
#include "app/repetitions.h"
#include "app/signals.h"
#include "base/privileges.h"
#include "recording/reader.h"

namespace observe::app {
namespace {

constexpr int kFailed = static_cast<int>(Failure::kRuntime);

Result<std::optional<OutputFile>> json_file(const OutputChoice& output) {
  if (!output.json || *output.json == "-") return std::nullopt;
  const Result<Identity> user = calling_user();
  if (!user) return fail(user.error());
  Result<OutputFile> json = create_json(*output.json, *user);
  if (!json) return fail(json.error());
  return std::move(*json);
}

Result<int> report_on(const report::Summary& summary, const OutputChoice& output,
                      std::optional<OutputFile>& json, const std::string& recording) {
  std::vector<std::string> files{recording};
  if (json) files.push_back(json->path());
  if (auto shown = present(summary, output, json, files); !shown) return fail(shown.error());
  if (!output.strict || strictly_good(summary)) return 0;
  say("--strict: events were lost or a self-check failed");
  return kStrictStatus;
}

Result<int> run_once(const RunInvocation& run, const Identity& user,
                     std::optional<OutputFile>& json, EndSignals signals) {
  const Result<std::uint64_t> seed = seed_of(run);
  if (!seed) return fail(seed.error());
  const auto recorded = record(run, user, *seed, signals);
  if (!recorded) {
    report_error(recorded.error().error);
    return recorded.error().status;
  }
  if (recorded->at_once) {
    say(fmt::format("stopped at once; {} can be read as far as it goes", recorded->path.native()));
    return kFailed;
  }
  // The rest only reads and prints, and removes a JSON file that fails: as the user, and a signal
  // ends it.
  if (auto done = settle_as(user); !done) return fail(done.error());
  {
    const EndSignals over = std::move(signals);
  }
  const Result<Trace> trace = read_recording(recorded->file);
  const Result<int> status = trace ? report_on(summarise_trace(*trace, !run.output.quiet),
                                               run.output, json, recorded->path)
                                   : fail(trace.error());
  if (recorded->late_error) {
    // It came first, and explains the other where there is one.
    const int failed = report_error(*recorded->late_error);
    return status ? Result<int>(failed) : status;
  }
  if (!status) return status;
  if (*status != 0) return *status;
  return run.kind == RunKind::kCommand ? recorded->exit_status.value_or(0) : 0;
}

Result<int> run(const RunInvocation& run) {
  const Result<Identity> user = calling_user();
  if (!user) return fail(user.error());
  Result<EndSignals> signals = EndSignals::block();
  if (!signals) return fail(signals.error());
  Result<std::optional<OutputFile>> json = json_file(run.output);
  if (!json) return fail(json.error());
  return run.repetitions > 1 ? run_repeatedly(run, *user, *json, std::move(*signals))
                             : run_once(run, *user, *json, std::move(*signals));
}

Result<int> report(const ReportInvocation& report) {
  Result<std::optional<OutputFile>> json = json_file(report.output);
  if (!json) return fail(json.error());
  const Result<Trace> trace = read_recording(report.file);
  if (!trace) return fail(trace.error());
  return report_on(summarise_trace(*trace, !report.output.quiet), report.output, *json,
                   report.file);
}

}  // namespace

int run_session(const RunInvocation& invocation) {
  const Result<int> status = run(invocation);
  return status ? *status : report_error(status.error());
}

int run_report(const ReportInvocation& invocation) {
  const Result<int> status = report(invocation);
  return status ? *status : report_error(status.error());
}

}  // namespace observe::app
