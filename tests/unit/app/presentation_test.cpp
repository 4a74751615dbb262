#include "app/presentation.h"

#include "support/catch.h"

namespace observe::app {
namespace {

TEST_CASE("strict: it wants everything that was recorded, whole, and every promised check passed") {
  report::Summary good;
  good.self_checks.push_back({.name = "passed", .checked = 1, .exact = 1, .passed = true});
  good.self_checks.push_back({.name = "excused", .checked = 1, .promised = false});
  good.self_checks.push_back({.name = "vacuous", .applicable = false});
  CHECK(strictly_good(good));

  report::Summary bad = good;
  bad.capture.lost = 1;
  CHECK_FALSE(strictly_good(bad));
  bad = good;
  bad.capture.complete = false;
  CHECK_FALSE(strictly_good(bad));
  bad = good;
  bad.capture.damaged_blocks = 1;
  CHECK_FALSE(strictly_good(bad));
  bad = good;
  bad.capture.missed_probe_runs = 1;
  CHECK_FALSE(strictly_good(bad));
  bad = good;
  bad.capture.markers_lost = 1;
  CHECK_FALSE(strictly_good(bad));
  bad = good;
  bad.self_checks.push_back({.name = "failed", .checked = 1});
  CHECK_FALSE(strictly_good(bad));
}

}  // namespace
}  // namespace observe::app
