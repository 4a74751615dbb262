#include "render/json.h"

#include <cmath>
#include <limits>

#include <nlohmann/json.hpp>

#include "support/catch.h"
#include "support/golden.h"
#include "unit/render/sample_summary.h"

namespace observe::render {

using Json = nlohmann::ordered_json;

TEST_CASE("the JSON of a full summary is the golden one") {
  const std::string text = json_summary(testing::sample_summary());
  CHECK(text == testing::golden("summary.json", text));
}

TEST_CASE("the schema's keys are all there, in an empty summary too") {
  const Json json = Json::parse(json_summary({}));
  CHECK(json["schema"] == "observe.summary/1");
  for (const char* key : {"run", "host", "capture", "totals", "threads", "cpus", "workload",
                          "findings", "self_checks"}) {
    CHECK(json.contains(key));
  }
  CHECK(json["workload"].is_null());
  CHECK(json["host"]["hz"].is_null());
  CHECK(json["run"]["exit_status"].is_null());
  CHECK(json["capture"]["observer_cpu_ns"].is_null());
  CHECK(json["capture"]["probe_cpu_ns"].is_null());
  CHECK(json["threads"].is_array());
  CHECK(json["run"]["parameters"].is_object());
}

TEST_CASE("a thread says everything that the schema promises") {
  const Json json = Json::parse(json_summary(testing::sample_summary()));
  const Json& thread = json["threads"][0];
  CHECK(thread["wait_by_cause"]["new"] == 30'000);
  CHECK(thread["wait_latency"]["max_at_ns"] == 1'234'000'000);
  CHECK_FALSE(thread["run_slice"].contains("max_at_ns"));
  CHECK(thread["kernel_account"]["nivcsw"] == 249);
  CHECK(thread["blocked_by"][0]["reason"] == "futex");
}

TEST_CASE("names that are not UTF-8 and numbers that are none still give valid JSON") {
  report::Summary summary = testing::sample_summary();
  summary.threads[0].name = "a\xff\"\n\x1b\xc0";
  summary.run.parameters["\xfe"] = "\xfe";
  summary.totals.parallelism_mean = std::nan("");
  summary.cpus[0].utilisation[0] = std::numeric_limits<double>::infinity();
  summary.workload->ground_truth["\xff"] = -std::numeric_limits<double>::infinity();
  const std::string text = json_summary(summary);
  CHECK(text.find("nan") == std::string::npos);
  const Json json = Json::parse(text);
  CHECK(json["threads"][0]["name"] == "a\xef\xbf\xbd\"\n\x1b\xef\xbf\xbd");
  CHECK(json["totals"]["parallelism_mean"].is_null());
  CHECK(json["cpus"][0]["utilisation"][0].is_null());
}

TEST_CASE("the largest counts keep every digit") {
  report::Summary summary;
  summary.run.seed = std::numeric_limits<std::uint64_t>::max();
  summary.run.duration = Nanos::max();
  const Json json = Json::parse(json_summary(summary));
  CHECK(json["run"]["seed"].get<std::uint64_t>() == std::numeric_limits<std::uint64_t>::max());
  CHECK(json["run"]["duration_ns"].get<std::int64_t>() == Nanos::max().count());
}

}  // namespace observe::render
