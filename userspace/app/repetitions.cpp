#include "app/repetitions.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "analysis/repetitions.h"
#include "app/message.h"
#include "app/presentation.h"
#include "app/record.h"
#include "app/session.h"
#include "base/privileges.h"
#include "recording/reader.h"
#include "workloads/frame/process.h"

namespace observe::app {
namespace {

constexpr int kFailed = static_cast<int>(Failure::kRuntime);
constexpr std::size_t kLongestPath = 4096;  // PATH_MAX

// What a child tells its parent, with the path behind it and the recording's descriptor beside it.
struct Told {
  int status = kFailed;  // what the program would end with
  bool recorded = false;
  bool at_once = false;
  bool go_on = false;  // a further repetition makes sense
};

struct Repetition {
  Told told;
  UniqueFd file;
  std::string path;
};

bool tell(int socket, const Told& told, const std::string& path, int file) {
  std::array<iovec, 2> parts{
      {{const_cast<Told*>(&told), sizeof told}, {const_cast<char*>(path.data()), path.size()}}};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof file)] = {};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  if (file >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof file);
    std::memcpy(CMSG_DATA(header), &file, sizeof file);
  }
  return sendmsg(socket, &message, MSG_NOSIGNAL) >= 0;
}

// Nothing: the child ended without a word.
std::optional<Repetition> hear(int socket) {
  Repetition repetition;
  char path[kLongestPath];
  std::array<iovec, 2> parts{{{&repetition.told, sizeof repetition.told}, {path, sizeof path}}};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  if (got < static_cast<ssize_t>(sizeof repetition.told)) return std::nullopt;
  repetition.path.assign(path, static_cast<std::size_t>(got) - sizeof repetition.told);
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_type == SCM_RIGHTS &&
      header->cmsg_len == CMSG_LEN(sizeof(int))) {
    int file = -1;
    std::memcpy(&file, CMSG_DATA(header), sizeof file);
    repetition.file = UniqueFd(file);
  }
  return repetition;
}

[[noreturn]] void child_main(const RunInvocation& run, const Identity& user, int socket,
                             pid_t parent) {
  const auto end = [&](const Told& told, const std::string& path, int file) {
    // A parent that does not hear it is gone, and reports nothing.
    const bool heard = tell(socket, told, path, file);
    _exit(heard ? 0 : kFailed);
  };
  Result<EndSignals> signals = EndSignals::block();
  const Result<std::uint64_t> seed = seed_of(run);
  if (!signals || !seed) {
    end({.status = report_error(signals ? seed.error() : signals.error())}, {}, -1);
  }
  const auto recorded = record(run, user, *seed, *signals, parent);
  if (!recorded) {
    report_error(recorded.error().error);
    end({.status = recorded.error().status}, {}, -1);
  }
  Told told{.status = 0, .recorded = true, .at_once = recorded->at_once};
  if (recorded->at_once) {
    say(fmt::format("stopped at once; {} can be read as far as it goes", recorded->path.native()));
    told.status = kFailed;
  } else if (recorded->late_error) {
    told.status = report_error(*recorded->late_error);
  } else {
    told.go_on = !recorded->interrupted;
    if (run.kind == RunKind::kCommand) told.status = recorded->exit_status.value_or(0);
  }
  end(told, recorded->path, recorded->file.get());
  _exit(kFailed);
}

Result<Repetition> repeat_once(const RunInvocation& run, const Identity& user,
                               EndSignals& signals) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return fail(error_from_errno("start a repetition", errno));
  }
  UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) return fail(error_from_errno("start a repetition", errno));
  if (child == 0) {
    ours.reset();
    child_main(run, user, theirs.get(), parent);
  }
  theirs.reset();
  std::array<pollfd, 2> sources{{{signals.fd(), POLLIN, 0}, {ours.get(), POLLIN, 0}}};
  bool interrupted = false;
  while (sources[1].revents == 0) {
    if (poll(sources.data(), sources.size(), -1) < 0 && errno != EINTR) {
      const Error error = error_from_errno("wait for a repetition", errno);
      kill(child, SIGTERM);
      waitpid(child, nullptr, 0);
      return fail(error);
    }
    if (sources[0].revents == 0) continue;
    const auto received = signals.take();
    if (!received) continue;
    interrupted = true;
    // The terminal's signal reaches the whole foreground group: the child has it already.
    if (!received->from_terminal) kill(child, received->number);
  }
  std::optional<Repetition> repetition = hear(ours.get());
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!repetition) {
    return fail(Error{
        .action = "observe once more", .reason = workloads::describe_exit(status), .advice = {}});
  }
  if (interrupted) repetition->told.go_on = false;
  return std::move(*repetition);
}

Result<void> present_series(const report::Repetitions& series, const OutputChoice& output,
                            std::optional<OutputFile>& json,
                            const std::vector<std::string>& paths) {
  std::vector<std::string> files{paths.front()};
  if (paths.size() > 1) files.front() += fmt::format(" to {}", paths.back());
  if (json) files.push_back(json->path());
  return present(series, output, json, files);
}

}  // namespace

Result<int> run_repeatedly(const RunInvocation& invocation, const Identity& user,
                           std::optional<OutputFile>& json, EndSignals signals) {
  RunInvocation run = invocation;
  run.output.json.reset();  // the series has one
  int status = 0;
  std::vector<Repetition> done;
  for (int number = 1; number <= run.repetitions; ++number) {
    Result<Repetition> repetition = repeat_once(run, user, signals);
    if (!repetition) {
      status = report_error(repetition.error());
      break;
    }
    const Told told = repetition->told;
    if (told.at_once) return told.status;
    if (status == 0) status = told.status;
    if (told.recorded && repetition->file) done.push_back(std::move(*repetition));
    if (!told.go_on) break;
  }
  if (done.empty()) return status != 0 ? status : kFailed;

  // Only reading and printing is left, as for a single run.
  if (auto settled = settle_as(user); !settled) return fail(settled.error());
  {
    const EndSignals over = std::move(signals);
  }
  std::vector<report::Summary> summaries;
  std::vector<std::string> paths;
  for (const Repetition& repetition : done) {
    const Result<Trace> trace = read_recording(repetition.file);
    if (!trace) return fail(trace.error());
    summaries.push_back(summarise_trace(*trace, !run.output.quiet));
    paths.push_back(repetition.path);
  }
  const report::Repetitions series =
      compare_repetitions(static_cast<std::uint64_t>(run.repetitions), std::move(summaries));
  if (auto shown = present_series(series, invocation.output, json, paths); !shown) {
    return fail(shown.error());
  }
  if (status == 0 && run.output.strict && !std::ranges::all_of(series.summaries, strictly_good)) {
    say("--strict: events were lost or a self-check failed");
    return kStrictStatus;
  }
  return status;
}

}  // namespace observe::app
