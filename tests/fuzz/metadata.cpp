// Any bytes as JSON metadata: an error, or values that survive being written again. The first byte
// chooses what it is the JSON of.
#include <string>
#include <string_view>

#include "fuzz/fuzz.h"
#include "recording/metadata.h"

using namespace observe;

namespace {

template <class T>
void there_and_back(Result<T> (*parse)(std::string_view), std::string_view text) {
  const Result<T> first = parse(text);
  if (!first) {
    OBSERVE_CHECK(!first.error().reason.empty());
    return;
  }
  const std::string written = to_json(*first);
  const Result<T> second = parse(written);
  OBSERVE_CHECK(second.has_value());
  OBSERVE_CHECK(to_json(*second) == written);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      there_and_back(&run_from_json, text);
      break;
    case 1:
      there_and_back(&host_from_json, text);
      break;
    case 2:
      there_and_back(&capture_from_json, text);
      break;
    default:
      there_and_back(&workload_from_json, text);
      break;
  }
  return 0;
}
