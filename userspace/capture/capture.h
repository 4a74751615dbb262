// Observes: loads and attaches the probes, moves their records into a recording, and lets go.
// Only capture/bpf knows libbpf.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "base/units.h"
#include "recording/writer.h"
#include "trace/run.h"

namespace observe {

// A place that a program marked with a USDT probe (<sys/sdt.h>). Each time a thread comes there, a
// Marker of that kind is recorded, with the probe's first two arguments.
struct UsdtProbe {
  std::string path;  // the program or library; without a slash it is looked for in PATH
  std::string provider;
  std::string name;
  std::uint16_t mark = 0;  // the kind of its markers
};

struct CaptureOptions {
  std::uint64_t buffer_bytes_per_cpu = 0;  // 0: the default, 8 MiB or less where CPUs are many
  std::vector<UsdtProbe> usdt = {};
};

// Where a workload's markers come from; called by the drain thread. Copies up to out.size()
// markers of one lane and returns how many there were.
struct MarkerSource {
  std::uint32_t lanes = 0;
  std::function<std::size_t(std::uint32_t lane, std::span<Marker> out)> take;
  std::function<std::uint64_t()> dropped;
};

class Capture {
 public:
  // Loads, attaches, seeds. When it returns every switch from now on is recorded.
  // The writer must outlive the capture.
  static Result<std::unique_ptr<Capture>> start(const CaptureOptions& options,
                                                RecordingWriter& writer, MarkerSource markers);
  virtual ~Capture() = default;

  // Readable when recording failed (disk full…): the session should stop then.
  virtual int failure_fd() const = 0;
  // Ends the window, takes the last seeds, detaches, drains, writes losses. Call once.
  // The closing part (RecordingWriter::finish) is the caller's, with what it adds.
  virtual Result<CaptureInfo> stop() = 0;
};

// What this kernel and these privileges allow, for `observe doctor` and for error messages.
struct Capability {
  std::string name;  // "BTF", "CAP_BPF"…
  bool available = false;
  bool required = true;
  std::string detail;  // what was found
  std::string advice;  // how to get it, when missing
};
std::vector<Capability> probe_capabilities();

HostInfo read_host_info();

}  // namespace observe
