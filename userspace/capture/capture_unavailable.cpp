// A build without BPF reports on recordings and runs the tests, and cannot make recordings.
#include "capture/capture.h"
#include "capture/probes.h"

namespace observe {
namespace {

Error built_without() {
  return {.action = "observe this machine",
          .reason = "this program was built without live capture (OBSERVE_BPF=OFF)",
          .advice = "build it with clang and libbpf installed; recordings can still be reported on",
          .failure = Failure::kNotAllowed};
}

}  // namespace

Result<void> try_probes() { return fail(built_without()); }

Result<std::unique_ptr<Capture>> Capture::start(const CaptureOptions&, RecordingWriter&,
                                                MarkerSource) {
  return fail(built_without());
}

}  // namespace observe
