#include "app/target.h"

#include <poll.h>

#include <csignal>
#include <filesystem>
#include <utility>

#include "app/observation.h"
#include "app/offspring.h"
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
    return TargetEnd{.exit_status = 0, .workload = std::move(*info), .note = launched_.note()};
  }

 private:
  std::string name_;
  workloads::Launched launched_;
  Nanos grace_ = workloads::kGrace;
};

// When the command ends by itself, what it deliberately leaves behind goes on. When we end it, all
// that came from it ends too.
class CommandTarget : public Target {
 public:
  CommandTarget(std::string name, Offspring offspring, workloads::Command command)
      : name_(std::move(name)), offspring_(std::move(offspring)), command_(std::move(command)) {}
  ~CommandTarget() override {
    if (!started_ || finished_) return;
    // They are ours, and dying: this cannot take long, and there is nobody left to tell.
    offspring_.kill_all(kGraceToEnd);
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
  int offspring_fd() const override { return offspring_.fd(); }
  void tend() override { offspring_.reap(static_cast<pid_t>(raw(command_.pid()))); }
  bool ask_to_end(int number, bool sent_by_terminal) override {
    we_end_it_ = true;
    // The terminal's signal reaches the whole foreground group: the command has it already.
    if (!sent_by_terminal) offspring_.ask(number);
    return true;
  }
  bool ask_leftovers_to_end() override {
    collect();
    // A shell's background jobs ignore SIGINT, and the terminal's does not reach other sessions.
    offspring_.ask(SIGTERM);
    return offspring_.any_left();
  }
  void kill_now() override { we_end_it_ = true; }
  Result<TargetEnd> finish() override {
    TargetEnd end;
    if (we_end_it_) {
      if (!status_) command_.signal(SIGKILL);
      collect();
      if (!offspring_.kill_all(kGraceToEnd)) {
        end.note = "processes of the command could not be ended: the kernel holds them";
      }
    } else {
      collect();
    }
    finished_ = true;
    if (!*status_) return fail(status_->error());
    end.exit_status = **status_;
    return end;
  }

 private:
  void collect() {
    if (!status_) status_ = command_.wait();
  }

  std::string name_;
  Offspring offspring_;
  workloads::Command command_;
  std::optional<Result<int>> status_;  // once it has been reaped
  bool started_ = false;
  bool finished_ = false;
  bool we_end_it_ = false;
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
  Result<Offspring> offspring = Offspring::adopt();
  if (!offspring) return fail(offspring.error());
  auto command = workloads::Command::launch(run.command, become);
  if (!command) return fail(command.error());
  std::string name = std::filesystem::path(run.command.front()).filename();
  if (name.empty()) name = run.command.front();
  return std::make_unique<CommandTarget>(std::move(name), std::move(*offspring),
                                         std::move(*command));
}

}  // namespace

bool Target::ask_to_end(int, bool) { return false; }

Result<std::unique_ptr<Target>> make_target(const RunInvocation& run, const Identity& user,
                                            std::uint64_t seed) {
  const workloads::BecomeUser become = [&user] {
    take_login_environment(user);
    return become_user(user);
  };
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
