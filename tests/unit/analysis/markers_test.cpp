#include "analysis/markers.h"

#include "unit/analysis/story.h"

namespace observe {

TEST_CASE("marks of observed threads within the window are counted by what they mean") {
  RunInfo run{.kind = RunKind::kPid, .root_process = Pid{raw(A)}};
  run.usdt = {"./a:requests:start", "./a:b:observe:phase", "./a:requests:never"};
  Script script;
  script.run(run).process(B, A).has(A, running(cpu0)).has(B, running(cpu1)).has(C, sleeping(kRead));
  script.at(10us).reaches(A, kFirstUsdtMark).reaches(B, kFirstUsdtMark).reaches(C, kFirstUsdtMark);
  script.reaches(A, kFirstUsdtMark).reaches(A, raw(MarkerKind::kPhase)).reaches(A, 0x7777);
  script.at(100us);
  const Story story(script);
  const auto counts = count_markers(story.facts());
  REQUIRE(counts.size() == 4);
  CHECK(counts[0].name == "phase");
  CHECK(counts[1].name == "marker 30583");  // of a newer observe
  CHECK(counts[2].name == "requests:start");
  CHECK(counts[2].count == 3);
  CHECK(counts[2].threads == 2);
  CHECK(counts[3].name == "requests:never");
  CHECK(counts[3].count == 0);
}

}  // namespace observe
