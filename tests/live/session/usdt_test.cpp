// Places that programs mark themselves.
#include <nlohmann/json.hpp>

#include <fstream>

#include "recording/reader.h"
#include "running.h"
#include "support/catch.h"
#include "support/skip.h"
#include "trace/events.h"

namespace observe::testing {
namespace {

#define NEED_LIVE() OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live())

const std::string kMarked = MARKED_PROGRAM;

std::vector<Marker> of_kind(const Trace& trace, std::uint16_t kind) {
  std::vector<Marker> chosen;
  for (const Marker& marker : trace.all<Marker>()) {
    if (marker.kind == kind) chosen.push_back(marker);
  }
  return chosen;
}

}  // namespace

TEST_CASE("every time a thread comes to a USDT probe is recorded, with its arguments") {
  NEED_LIVE();
  const Folder folder;
  const Finished run =
      run_observe(folder, {"--usdt", kMarked + ":observe:operation_begin", "--usdt",
                           kMarked + ":marked:half", "--usdt", kMarked + ":marked:done", "--output",
                           "run", "--json", "run.json", "--", kMarked, "2", "1000"});
  CAPTURE(run.err);
  REQUIRE(run.status == 0);
  const Result<Trace> trace = read_recording(folder.file("run.obs"));
  REQUIRE(trace);
  REQUIRE(trace->quality().lost_events == 0);

  const auto begins = of_kind(*trace, raw(MarkerKind::kOperationBegin));
  CHECK(begins.size() == 2000);
  std::uint64_t next[2] = {0, 0};
  for (const Marker& marker : begins) {
    REQUIRE(marker.b < 2);
    REQUIRE(marker.a == next[marker.b]++);
    REQUIRE(marker.thread != kNoThread);
    REQUIRE(trace->threads()[marker.thread].target);
  }
  const auto halves = of_kind(*trace, kFirstUsdtMark + 1);
  CHECK(halves.size() == 2000);
  for (const Marker& marker : halves) REQUIRE(static_cast<std::int64_t>(marker.a) == -5);
  CHECK(of_kind(*trace, kFirstUsdtMark + 2).size() == 2);

  const auto summary = nlohmann::json::parse(std::ifstream(folder.file("run.json")));
  const auto& markers = summary.at("markers");
  REQUIRE(markers.size() == 3);
  CHECK(markers[0] == nlohmann::json{{"name", "operation begin"}, {"count", 2000}, {"threads", 2}});
  CHECK(markers[1] == nlohmann::json{{"name", "marked:half"}, {"count", 2000}, {"threads", 2}});
  CHECK(markers[2] == nlohmann::json{{"name", "marked:done"}, {"count", 2}, {"threads", 2}});
}

TEST_CASE("a USDT probe that is not there is refused, saying how to find those that are") {
  NEED_LIVE();
  const Folder folder;
  for (const std::string& place : {kMarked + ":marked:nowhere", kMarked + "-not-there:marked:half",
                                   std::string("/etc/passwd:marked:half")}) {
    CAPTURE(place);
    const Finished run = run_observe(folder, {"--usdt", place, "--", "true"});
    CAPTURE(run.err);
    CHECK(run.status == 1);
    CHECK(run.err.find("readelf --notes") != std::string::npos);
    CHECK(folder.names().empty());
  }
}

}  // namespace observe::testing
