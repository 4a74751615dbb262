#include "app/target.h"

#include <poll.h>

#include <csignal>
#include <filesystem>
#include <utility>

#include "app/process.h"
#include "base/privileges.h"
#include "workloads/frame/command.h"
#include "workloads/frame/launcher.h"

namespace observe::app {
namespace {

class WorkloadTarget : public Target {
 public:
  WorkloadTarget(std::string name, workloads::Launched launched)
      : name_(std::move(name)), launched_(std::move(launched)) {}

  std::string name() const override { return name_; }
  std::optional<Pid> root_process() const override { return launched_.pid(); }
  MarkerSource markers() override {
    return {.lanes = launched_.lanes(),
            .take = [this](std::uint32_t lane,
                           std::span<Marker> out) { return launched_.take(lane, out); },
            .dropped = [this] { return launched_.dropped(); }};
  }
  Result<void> release() override { return launched_.open_gate(); }
  int end_fd() const override { return launched_.done_fd(); }
  bool ask_to_end(int, bool) override {
    launched_.request_stop();
    return true;
  }
  void kill_now() override { grace_ = Nanos{0}; }
  Result<TargetEnd> finish() override {
    Result<WorkloadInfo> info = launched_.finish(grace_);
    if (!info) return fail(info.error());
    return TargetEnd{.exit_status = 0, .workload = std::move(*info)};
  }

 private:
  std::string name_;
  workloads::Launched launched_;
  Nanos grace_ = workloads::kGrace;
};

class CommandTarget : public Target {
 public:
  CommandTarget(std::string name, workloads::Command command)
      : name_(std::move(name)), command_(std::move(command)) {}
  ~CommandTarget() override {
    if (!started_ || ended_) return;
    command_.signal(SIGKILL);
    // It is ours, and dying: this cannot take long, and there is nobody left to tell of a failure.
    [[maybe_unused]] const auto status = command_.wait();
  }

  std::string name() const override { return name_; }
  std::optional<Pid> root_process() const override { return command_.pid(); }
  Result<void> release() override {
    Result<void> started = command_.start();
    started_ = started.has_value();
    return started;
  }
  int refused_status() const override { return command_.start_status(); }
  int end_fd() const override { return command_.exit_fd(); }
  bool ask_to_end(int number, bool sent_by_terminal) override {
    // The terminal's signal reaches the whole foreground group: the command has it already.
    if (!sent_by_terminal) command_.signal(number);
    return true;
  }
  void kill_now() override { command_.signal(SIGKILL); }
  Result<TargetEnd> finish() override {
    const Result<int> status = command_.wait();
    if (!status) return fail(status.error());
    ended_ = true;
    return TargetEnd{.exit_status = *status};
  }

 private:
  std::string name_;
  workloads::Command command_;
  bool started_ = false;
  bool ended_ = false;
};

class ProcessTarget : public Target {
 public:
  explicit ProcessTarget(RunningProcess process) : process_(std::move(process)) {}

  std::string name() const override { return process_.name; }
  std::optional<Pid> root_process() const override { return process_.pid; }
  int end_fd() const override { return process_.end.get(); }

 private:
  RunningProcess process_;
};

class MachineTarget : public Target {
 public:
  std::string name() const override { return "system"; }
};

Result<std::unique_ptr<Target>> start_workload(const RunInvocation& run,
                                               const workloads::BecomeUser& become,
                                               std::uint64_t seed) {
  auto launched = workloads::launch(*run.workload, run.values, seed, become);
  if (!launched) return fail(launched.error());
  if (const auto ready = launched->wait_ready(); !ready) return fail(ready.error());
  return std::make_unique<WorkloadTarget>(std::string(run.workload->name), std::move(*launched));
}

Result<std::unique_ptr<Target>> start_command(const RunInvocation& run,
                                              const workloads::BecomeUser& become) {
  auto command = workloads::Command::launch(run.command, become);
  if (!command) return fail(command.error());
  std::string name = std::filesystem::path(run.command.front()).filename();
  if (name.empty()) name = run.command.front();
  return std::make_unique<CommandTarget>(std::move(name), std::move(*command));
}

}  // namespace

bool Target::ask_to_end(int, bool) { return false; }

Result<std::unique_ptr<Target>> make_target(const RunInvocation& run, const Identity& user,
                                            std::uint64_t seed) {
  const workloads::BecomeUser become = [&user] { return become_user(user); };
  switch (run.kind) {
    case RunKind::kWorkload:
      return start_workload(run, become, seed);
    case RunKind::kCommand:
      return start_command(run, become);
    case RunKind::kPid: {
      Result<RunningProcess> process = open_process(run.pid);
      if (!process) return fail(process.error());
      return std::make_unique<ProcessTarget>(std::move(*process));
    }
    case RunKind::kSystem:
      break;
  }
  return std::make_unique<MachineTarget>();
}

}  // namespace observe::app
