// Any bytes as a recording.
#include "recording/reader.h"

#include "fuzz/traces.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto trace = observe::read_recording(observe::fuzz::bytes_of(data, size));
  if (trace) observe::fuzz::check_trace(*trace);
  return 0;
}
