// Why the kernel would not have the probes, in words that help.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "capture/capture.h"

namespace observe {

// Keeps the last lines that libbpf prints on this thread while it lives; OBSERVE_DEBUG=1 prints
// them all to standard error, too. Scopes do not nest.
class LibbpfLog {
 public:
  LibbpfLog();
  LibbpfLog(const LibbpfLog&) = delete;
  LibbpfLog& operator=(const LibbpfLog&) = delete;
  ~LibbpfLog();

  void add(std::string line);
  // The last ones that say something, on one line.
  std::string summary() const;

 private:
  std::vector<std::string> lines_;
};

// kNotAllowed with advice where privileges or lockdown explain it, else with what libbpf said.
Error explain_load_failure(std::string action, int errno_value, const LibbpfLog& log);

// Why a USDT probe of a program cannot be attached to: mostly because it is not there.
Error explain_usdt_failure(const UsdtProbe& probe, int errno_value, const LibbpfLog& log);

}  // namespace observe
