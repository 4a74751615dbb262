#include "recording/metadata.h"

#include <fmt/format.h>

#include "recording/json_fields.h"

// The lists of fields, and with them the format: keys are added, never changed.
namespace observe {

template <class Archive>
static void fields(Archive& archive, RunInfo& run) {
  archive("kind", run.kind);
  archive("name", run.name);
  archive("command", run.command);
  archive("parameters", run.parameters);
  archive("seed", run.seed);
  archive("started_at", run.started_at);
  archive("usdt", run.usdt);
  archive("root_process", run.root_process);
  archive("observer_process", run.observer_process);
  archive("version", run.version);
}

template <class Archive>
static void fields(Archive& archive, CpuTopology& cpu) {
  archive("cpu", cpu.cpu);
  archive("online", cpu.online);
  archive("core", cpu.core);
  archive("package", cpu.package);
  archive("llc", cpu.llc);
  archive("node", cpu.node);
}

template <class Archive>
static void fields(Archive& archive, HostInfo& host) {
  archive("kernel", host.kernel);
  archive("machine", host.machine);
  archive("cpus_online", host.cpus_online);
  archive("cpus_possible", host.cpus_possible);
  archive("hz", host.hz);
  archive("preempt_model", host.preempt_model);
  archive("scheduler", host.scheduler);
  archive("slice_ns", host.slice_ns);
  archive("hypervisor", host.hypervisor);
  archive("boot_options", host.boot_options);
  archive("topology", host.topology);
}

template <class Archive>
static void fields(Archive& archive, HostSample& sample) {
  archive("at", sample.at);
  archive("steal_ns_by_cpu", sample.steal_ns_by_cpu);
  archive("interrupt_ns_by_cpu", sample.interrupt_ns_by_cpu);
  archive("throttled_ns", sample.throttled_ns);
}

template <class Archive>
static void fields(Archive& archive, CaptureInfo& capture) {
  archive("clock", capture.clock);
  archive("window_begin", capture.window_begin);
  archive("window_end", capture.window_end);
  archive("recorder_realtime", capture.recorder_realtime);
  archive("recorder_note", capture.recorder_note);
  archive("observer_cpu_ns", capture.observer_cpu_ns);
  archive("probe_cpu_ns", capture.probe_cpu_ns);
  archive("probe_runs_timed", capture.probe_runs_timed);
  archive("self_wakes", capture.self_wakes);
  archive("missed_probe_runs", capture.missed_probe_runs);
  archive("markers_lost", capture.markers_lost);
  archive("buffer_bytes_per_cpu", capture.buffer_bytes_per_cpu);
  archive("peak_backlog_bytes", capture.peak_backlog_bytes);
  archive("exit_status", capture.exit_status);
  archive("end_reason", capture.end_reason);
  archive("notes", capture.notes);
  archive("before", capture.before);
  archive("after", capture.after);
}

template <class Archive>
static void fields(Archive& archive, WorkloadThread& thread) {
  archive("tid", thread.tid);
  archive("role", thread.role);
  archive("begin", thread.begin);
  archive("end", thread.end);
  archive("truth", thread.truth);
}

template <class Archive>
static void fields(Archive& archive, WorkloadInfo& workload) {
  archive("name", workload.name);
  archive("phase_begin", workload.phase_begin);
  archive("phase_end", workload.phase_end);
  archive("truth", workload.truth);
  archive("threads", workload.threads);
}

namespace {

// Deeper than anything in here; bounds what a hostile file can make the parser build.
constexpr int kMostNested = 8;

// Up to the first mistake in the text this agrees with the parser on what is within quotes, and the
// parser builds nothing beyond that.
bool nested_too_deep(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      quoted = !quoted;
    } else if (quoted) {
      if (c == '\\') ++i;
    } else if (c == '{' || c == '[') {
      if (++depth > kMostNested) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

template <class T>
Result<T> read(std::string_view text, std::string_view what) {
  const auto damaged = [&](std::string reason) {
    return fail({.action = fmt::format("read the recording's part on its {}", what),
                 .reason = std::move(reason),
                 .advice = "the file was changed, or made by another program"});
  };
  if (nested_too_deep(text)) return damaged("it is nested too deep");
  // Without a callback: with one the parser searches a list from its beginning for every item.
  const auto parsed = json::Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (parsed.is_discarded()) return damaged("it is not JSON");
  T value;
  if (std::string wrong = json::Reader::read(parsed, value); !wrong.empty()) {
    return damaged(std::move(wrong));
  }
  return value;
}

template <class T>
std::string write(const T& value) {
  return json::Writer::object(value).dump();
}

}  // namespace

namespace json {

std::string to_hex(std::string_view bytes) {
  std::string hex;
  for (const char byte : bytes) hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return hex;
}

std::optional<std::string> from_hex(std::string_view hex) {
  const auto digit = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
  };
  if (hex.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const int high = digit(hex[i]);
    const int low = digit(hex[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

}  // namespace json

std::string to_json(const RunInfo& run) { return write(run); }
std::string to_json(const HostInfo& host) { return write(host); }
std::string to_json(const CaptureInfo& capture) { return write(capture); }
std::string to_json(const WorkloadInfo& workload) { return write(workload); }

Result<RunInfo> run_from_json(std::string_view text) { return read<RunInfo>(text, "run"); }
Result<HostInfo> host_from_json(std::string_view text) { return read<HostInfo>(text, "host"); }
Result<CaptureInfo> capture_from_json(std::string_view text) {
  return read<CaptureInfo>(text, "capture");
}
Result<WorkloadInfo> workload_from_json(std::string_view text) {
  return read<WorkloadInfo>(text, "workload");
}

}  // namespace observe
