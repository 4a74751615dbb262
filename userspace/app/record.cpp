#include "app/record.h"

#include <sys/prctl.h>
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "app/observation.h"
#include "app/output_files.h"
#include "app/progress.h"
#include "app/target.h"
#include "app/usdt.h"
#include "app/version.h"
#include "base/privileges.h"
#include "capture/capture.h"
#include "capture/privileges.h"
#include "recording/writer.h"

namespace observe::app {
namespace {

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
// to the first. The capture detaches, then the target ends, then a recording that is not kept goes.
class Recording {
 public:
  Recording(const RunInvocation& run, const Identity& user, std::uint64_t seed, EndSignals& signals)
      : run_(run), user_(user), seed_(seed), signals_(signals) {}

  Result<void> start();
  Result<void> tie_to(pid_t parent);
  Result<Recorded> run_to_end();
  // The exit status when start() failed because the command could not be executed.
  std::optional<int> refused_status() const { return refused_status_; }

 private:
  Result<ObservationEnd> observe();
  Result<void> seal(const ObservationEnd& end);

  const RunInvocation& run_;
  const Identity& user_;
  std::uint64_t seed_;
  EndSignals& signals_;
  std::optional<OutputFile> file_;
  std::optional<RecordingWriter> writer_;
  std::unique_ptr<Target> target_;
  std::unique_ptr<Capture> capture_;
  std::optional<int> refused_status_;
  Recorded recorded_;
};

Result<void> Recording::start() {
  Result<std::unique_ptr<Target>> target = make_target(run_, user_, seed_);
  if (!target) return fail(target.error());
  target_ = std::move(*target);
  Result<OutputFile> file =
      create_recording(run_.prefix.value_or(default_prefix(run_, *target_)), user_);
  if (!file) return fail(file.error());
  file_.emplace(std::move(*file));
  Result<UniqueFd> copy = file_->duplicate();
  if (!copy) return fail(copy.error());
  Result<RecordingWriter> writer = RecordingWriter::create(std::move(*copy));
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
  return drop_capabilities(capabilities_to_settle(user_));
}

// Not before all changes of file-system ids, at which the kernel forgets it.
Result<void> Recording::tie_to(pid_t parent) {
  if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0) {
    return fail(error_from_errno("tie the observation to its parent", errno));
  }
  if (getppid() != parent) raise(SIGTERM);  // waits in `signals_`
  return {};
}

Result<ObservationEnd> Recording::observe() {
  const bool can_be_ended = run_.kind == RunKind::kPid || run_.kind == RunKind::kSystem;
  const Progress progress(
      fmt::format("observing {}{}", target_->name(), can_be_ended ? " (Ctrl-C ends it)" : ""),
      // A command has the terminal for itself.
      !run_.output.quiet && run_.kind != RunKind::kCommand);
  return observe_until_end(*target_, signals_, capture_->failure_fd(), run_.duration);
}

Result<void> Recording::seal(const ObservationEnd& end) {
  // First the target, so that the ends of its threads are recorded.
  Result<TargetEnd> target_end = target_->finish();
  Result<CaptureInfo> info = capture_->stop();
  capture_.reset();
  if (!info) return fail(info.error());
  info->end_reason = end.reason;
  if (target_end) {
    recorded_.exit_status = info->exit_status = target_end->exit_status;
    if (!target_end->note.empty()) info->notes.push_back(target_end->note);
    if (target_end->workload) {
      if (auto done = writer_->write_workload(*target_end->workload); !done) return done;
    }
  } else {
    info->end_reason = "failed: " + target_end.error().reason;
    recorded_.late_error = target_end.error();
  }
  return writer_->finish(*info);
}

Result<Recorded> Recording::run_to_end() {
  const Result<ObservationEnd> end = observe();
  file_->keep();
  if (!end) return fail(end.error());
  Result<UniqueFd> copy = file_->duplicate();
  if (!copy) return fail(copy.error());
  recorded_.file = std::move(*copy);
  recorded_.path = file_->path();
  recorded_.at_once = end->at_once;
  recorded_.interrupted = end->reason == "interrupted";
  if (!end->at_once) {
    // A full disk, say: what was recorded up to then is reported all the same.
    if (auto done = seal(*end); !done) recorded_.late_error = done.error();
  }
  return std::move(recorded_);
}

}  // namespace

Result<std::uint64_t> seed_of(const RunInvocation& run) {
  if (run.seed) return *run.seed;
  std::uint32_t seed = 0;  // 32 bits: it has to be typed again
  if (getrandom(&seed, sizeof seed, 0) != sizeof seed) {
    return fail(error_from_errno("draw a seed", errno, "give one with --seed N"));
  }
  return seed;
}

std::expected<Recorded, RecordFailure> record(const RunInvocation& run, const Identity& user,
                                              std::uint64_t seed, EndSignals& signals,
                                              std::optional<pid_t> tied_to) {
  Recording recording(run, user, seed, signals);
  const auto failed = [](const Error& error) { return std::unexpected(RecordFailure{error}); };
  if (auto started = recording.start(); !started) {
    RecordFailure failure{started.error()};
    failure.status = recording.refused_status().value_or(failure.status);
    return std::unexpected(std::move(failure));
  }
  if (tied_to) {
    if (auto tied = recording.tie_to(*tied_to); !tied) return failed(tied.error());
  }
  Result<Recorded> recorded = recording.run_to_end();
  if (!recorded) return failed(recorded.error());
  return std::move(*recorded);
}

}  // namespace observe::app
