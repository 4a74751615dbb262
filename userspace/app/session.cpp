#include "app/session.h"

#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <utility>

#include <fmt/format.h>

#include "app/observation.h"
#include "app/output_files.h"
#include "app/presentation.h"
#include "app/progress.h"
#include "app/signals.h"
#include "app/target.h"
#include "app/terminal_device.h"
#include "app/usdt.h"
#include "app/version.h"
#include "base/privileges.h"
#include "base/text.h"
#include "capture/capture.h"
#include "capture/privileges.h"
#include "recording/reader.h"
#include "recording/writer.h"
#include "render/canvas.h"

namespace observe::app {
namespace {

// Lines that are too long for the terminal are wrapped, the others stay as they are.
void say(std::string_view text) {
  const std::string clean = text::sanitise_lines(fmt::format("observe: {}", text));
  const render::TerminalStyle style = style_for(STDERR_FILENO, Colour::kNever);
  std::string out;
  for (std::string_view rest = clean;;) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    const std::size_t indent = std::min(line.find_first_not_of(' '), line.size());
    if (text::width(line) <= style.columns || !is_terminal(STDERR_FILENO)) {
      out += fmt::format("{}\n", line);
    } else {
      const std::string space(indent, ' ');
      for (const std::string& part : text::wrap(line.substr(indent), style.columns - indent)) {
        out += fmt::format("{}{}\n", space, part);
      }
    }
    if (end == rest.size()) break;
    rest.remove_prefix(end + 1);
  }
  // Standard error is the last place to tell anybody anything.
  [[maybe_unused]] const auto written =
      write_all(STDERR_FILENO, style.unicode ? out : render::ascii_symbols(out), "a message");
}

Result<std::uint64_t> seed_of(const RunInvocation& run) {
  if (run.seed) return *run.seed;
  std::uint32_t seed = 0;  // 32 bits: it has to be typed again
  if (getrandom(&seed, sizeof seed, 0) != sizeof seed) {
    return fail(error_from_errno("draw a seed", errno, "give one with --seed N"));
  }
  return seed;
}

std::string now_utc() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[sizeof "2025-01-01T00:00:00Z"];
  return std::string(text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc));
}

std::string default_prefix(const RunInvocation& run, const Target& target) {
  const std::string name = file_name_for(target.name());
  return run.kind == RunKind::kPid ? fmt::format("{}-{}", name, raw(run.pid)) : name;
}

RunInfo describe(const RunInvocation& run, const Target& target, std::uint64_t seed) {
  RunInfo info{.kind = run.kind, .name = target.name(), .command = run.command};
  if (run.kind == RunKind::kWorkload) info.parameters = run.values.all();
  info.seed = seed;
  info.started_at = now_utc();
  for (const UsdtProbe& probe : run.usdt) info.usdt.push_back(usdt_text(probe));
  info.root_process = target.root_process();
  info.observer_process = Pid{static_cast<std::uint32_t>(getpid())};
  info.version = kVersion;
  return info;
}

// Everything of a run that must be undone in one order, whatever happens: members go from the last
// to the first. The capture detaches, then the target ends, then files that are not kept go.
class Session {
 public:
  explicit Session(const RunInvocation& run) : run_(run) {}

  Result<int> run();

 private:
  Result<void> prepare();
  Result<void> start_recording();
  Result<ObservationEnd> observe();
  Result<void> seal(const ObservationEnd& end);
  Result<int> report();

  const RunInvocation& run_;
  Identity user_;
  std::uint64_t seed_ = 0;
  std::optional<EndSignals> signals_;
  std::optional<OutputFile> json_;
  std::optional<OutputFile> recording_;
  std::optional<RecordingWriter> writer_;
  std::unique_ptr<Target> target_;
  std::unique_ptr<Capture> capture_;
  std::optional<int> refused_status_;
  std::optional<int> exit_status_;
  std::optional<Error> late_error_;  // of the target or the recording; comes after the report
};

Result<void> Session::prepare() {
  Result<Identity> user = calling_user();
  if (!user) return fail(user.error());
  user_ = std::move(*user);
  const Result<std::uint64_t> seed = seed_of(run_);
  if (!seed) return fail(seed.error());
  seed_ = *seed;
  Result<EndSignals> signals = EndSignals::block();
  if (!signals) return fail(signals.error());
  signals_.emplace(std::move(*signals));
  if (run_.output.json && *run_.output.json != "-") {
    Result<OutputFile> json = create_json(*run_.output.json, user_);
    if (!json) return fail(json.error());
    json_.emplace(std::move(*json));
  }
  Result<std::unique_ptr<Target>> target = make_target(run_, user_, seed_);
  if (!target) return fail(target.error());
  target_ = std::move(*target);
  return {};
}

Result<void> Session::start_recording() {
  Result<OutputFile> recording =
      create_recording(run_.prefix.value_or(default_prefix(run_, *target_)), user_);
  if (!recording) return fail(recording.error());
  recording_.emplace(std::move(*recording));
  Result<UniqueFd> file = recording_->duplicate();
  if (!file) return fail(file.error());
  Result<RecordingWriter> writer = RecordingWriter::create(std::move(*file));
  if (!writer) return fail(writer.error());
  writer_.emplace(std::move(*writer));
  if (auto done = writer_->write_run(describe(run_, *target_, seed_)); !done) return done;
  if (auto done = writer_->write_host(read_host_info()); !done) return done;

  auto capture =
      Capture::start({.buffer_bytes_per_cpu = run_.buffer_bytes_per_cpu, .usdt = run_.usdt},
                     *writer_, target_->markers());
  if (!capture) return fail(capture.error());
  capture_ = std::move(*capture);
  if (auto released = target_->release(); !released) {
    refused_status_ = target_->refused_status();
    return released;
  }
  return drop_capabilities();
}

Result<ObservationEnd> Session::observe() {
  const bool can_be_ended = run_.kind == RunKind::kPid || run_.kind == RunKind::kSystem;
  const Progress progress(
      fmt::format("observing {}{}", target_->name(), can_be_ended ? " (Ctrl-C ends it)" : ""),
      // A command has the terminal for itself.
      !run_.output.quiet && run_.kind != RunKind::kCommand);
  return observe_until_end(*target_, *signals_, capture_->failure_fd(), run_.duration);
}

Result<void> Session::seal(const ObservationEnd& end) {
  // First the target, so that the ends of its threads are recorded.
  Result<TargetEnd> target_end = target_->finish();
  Result<CaptureInfo> info = capture_->stop();
  capture_.reset();
  if (!info) return fail(info.error());
  info->end_reason = end.reason;
  if (target_end) {
    exit_status_ = info->exit_status = target_end->exit_status;
    if (target_end->workload) {
      if (auto done = writer_->write_workload(*target_end->workload); !done) return done;
    }
  } else {
    info->end_reason = "failed: " + target_end.error().reason;
    late_error_ = target_end.error();
  }
  return writer_->finish(*info);
}

Result<int> Session::report() {
  // From the file itself, not from whatever its name leads to by now.
  const Result<UniqueFd> file = recording_->duplicate();
  if (!file) return fail(file.error());
  const Result<Trace> trace = read_recording(*file);
  if (!trace) return fail(trace.error());
  const report::Summary summary = summarise_trace(*trace, !run_.output.quiet);
  std::vector<std::string> files{recording_->path()};
  if (json_) files.push_back(json_->path());
  if (auto shown = present(summary, run_.output, json_, files); !shown) return fail(shown.error());
  if (late_error_) return report_error(*late_error_);
  if (run_.output.strict && !strictly_good(summary)) {
    say("--strict: events were lost or a self-check failed");
    return kStrictStatus;
  }
  return run_.kind == RunKind::kCommand ? exit_status_.value_or(0) : 0;
}

Result<int> Session::run() {
  if (auto done = prepare(); !done) return fail(done.error());
  if (auto done = start_recording(); !done) {
    if (!refused_status_) return fail(done.error());
    report_error(done.error());
    return *refused_status_;
  }
  const Result<ObservationEnd> end = observe();
  recording_->keep();
  if (!end) return fail(end.error());
  if (end->at_once) {
    say(fmt::format("stopped at once; {} can be read as far as it goes",
                    recording_->path().native()));
    return static_cast<int>(Failure::kRuntime);
  }
  // A full disk, say: what was recorded up to then is reported all the same.
  if (auto done = seal(*end); !done) late_error_ = done.error();
  // The rest only reads and prints: without privileges, and a signal ends it.
  if (auto done = keep_capabilities(0); !done) return fail(done.error());
  signals_.reset();
  Result<int> reported = report();
  // Then the error that came first explains the other.
  if (!reported && late_error_) report_error(*late_error_);
  return reported;
}

}  // namespace

int report_error(const Error& error) {
  say(error.text());
  return static_cast<int>(error.failure);
}

int run_session(const RunInvocation& run) {
  Session session(run);
  const Result<int> status = session.run();
  return status ? *status : report_error(status.error());
}

int run_report(const ReportInvocation& report) {
  std::optional<OutputFile> json;
  if (report.output.json && *report.output.json != "-") {
    const Result<Identity> user = calling_user();
    if (!user) return report_error(user.error());
    Result<OutputFile> file = create_json(*report.output.json, *user);
    if (!file) return report_error(file.error());
    json.emplace(std::move(*file));
  }
  const Result<Trace> trace = read_recording(report.file);
  if (!trace) return report_error(trace.error());
  const report::Summary summary = summarise_trace(*trace, !report.output.quiet);
  std::vector<std::string> files{report.file};
  if (json) files.push_back(json->path());
  if (auto shown = present(summary, report.output, json, files); !shown) {
    return report_error(shown.error());
  }
  if (!report.output.strict || strictly_good(summary)) return 0;
  say("--strict: events were lost or a self-check failed");
  return kStrictStatus;
}

}  // namespace observe::app
