#include "capture/bpf/load_error.h"

#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/check.h"
#include "base/text.h"
#include "capture/restrictions.h"

namespace observe {
namespace {

constexpr std::size_t kKeptLines = 64;
constexpr std::size_t kLinesOfSummary = 3;
constexpr std::size_t kLongestLine = 300;

// libbpf's callback takes no argument of ours: the thread that calls libbpf leaves the address
// here.
thread_local LibbpfLog* current_log = nullptr;

bool wants_debug() {
  const char* value = std::getenv("OBSERVE_DEBUG");
  return value != nullptr && std::string_view(value) == "1";
}

int print(libbpf_print_level level, const char* format, va_list arguments) {
  const bool debug = wants_debug();
  if (level == LIBBPF_DEBUG && !debug) return 0;
  va_list again;
  va_copy(again, arguments);
  const int length = std::vsnprintf(nullptr, 0, format, again);
  va_end(again);
  if (length <= 0) return 0;
  std::string text(static_cast<std::size_t>(length), '\0');
  std::vsnprintf(text.data(), text.size() + 1, format, arguments);
  if (debug) std::fputs(text.c_str(), stderr);
  if (current_log == nullptr || level == LIBBPF_DEBUG) return 0;
  // One call may carry the whole of a verifier's log.
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    current_log->add(std::string(rest.substr(0, std::min(end, kLongestLine))));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return 0;
}

// Framing and statistics, which push out what matters.
bool is_noise(std::string_view line) {
  return line.empty() || line.starts_with("processed ") || line.find("-- BEGIN") != line.npos ||
         line.find("-- END") != line.npos || line.find("failed to load") != line.npos;
}

}  // namespace

LibbpfLog::LibbpfLog() {
  OBSERVE_CHECK(current_log == nullptr);
  current_log = this;
  libbpf_set_print(print);
}

LibbpfLog::~LibbpfLog() { current_log = nullptr; }

void LibbpfLog::add(std::string line) {
  if (is_noise(line)) return;
  if (lines_.size() == kKeptLines) lines_.erase(lines_.begin());
  lines_.push_back(std::move(line));
}

std::string LibbpfLog::summary() const {
  const std::size_t first = lines_.size() - std::min(lines_.size(), kLinesOfSummary);
  return fmt::format(
      "{}", fmt::join(lines_.begin() + static_cast<std::ptrdiff_t>(first), lines_.end(), "; "));
}

Error explain_load_failure(std::string action, int errno_value, const LibbpfLog& log) {
  Error error = error_from_errno(std::move(action), errno_value);
  const std::string said = log.summary();
  if (!said.empty()) error.reason += fmt::format(" ({})", said);
  const bool refused = errno_value == EPERM || errno_value == EACCES;
  const std::string missing = missing_bpf_capabilities();
  const std::string lockdown = read_lockdown();
  if (refused && !missing.empty()) {
    error.reason = fmt::format("{} missing", missing);
    error.advice =
        "run with sudo; or once: sudo setcap cap_bpf,cap_perfmon,cap_sys_nice=ep OBSERVE";
    error.failure = Failure::kNotAllowed;
  } else if (lockdown == "confidentiality") {
    error.advice =
        "the kernel is locked down (confidentiality), which forbids probes to read its memory: "
        "boot "
        "with lockdown=integrity or without it";
    error.failure = Failure::kNotAllowed;
  } else if (errno_value == EPERM) {
    error.advice =
        "the capabilities are there, so bpf(2) is refused by a container's seccomp profile, a "
        "security module or a user namespace: run observe on the host itself";
    error.failure = Failure::kNotAllowed;
  } else if (errno_value == ENOMEM || errno_value == E2BIG) {
    error.advice = "ask for smaller buffers: --buffer-mib N";
  } else {
    error.advice = "see: observe doctor; OBSERVE_DEBUG=1 shows all that the kernel said";
  }
  return error;
}

Error explain_usdt_failure(const UsdtProbe& probe, int errno_value, const LibbpfLog& log) {
  const std::string action =
      fmt::format("watch the USDT probe {}:{} of '{}'", text::sanitise(probe.provider),
                  text::sanitise(probe.name), text::sanitise(probe.path));
  if (errno_value == EPERM || errno_value == EACCES) {
    return explain_load_failure(action, errno_value, log);
  }
  Error error = error_from_errno(action, errno_value);
  if (const std::string said = log.summary(); !said.empty()) {
    error.reason += fmt::format(" ({})", text::sanitise(said));
  }
  error.advice =
      fmt::format("see which probes it has: readelf --notes '{}'", text::sanitise(probe.path));
  return error;
}

}  // namespace observe
