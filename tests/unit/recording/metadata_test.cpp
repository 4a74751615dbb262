// The run, the host, the capture and the workload as JSON.
#include "recording/metadata.h"

#include <cmath>

#include "support/catch.h"

namespace observe {

TEST_CASE("a run comes back as it was, with arguments of any bytes") {
  RunInfo run;
  run.kind = RunKind::kCommand;
  run.name = "touch";
  run.command = {"touch", "\xff\xfe not UTF-8 \x01", "", "größe"};
  run.parameters = {{"--ops", "100"}, {"a\xff", "b"}};
  run.seed = ~std::uint64_t{0};
  run.started_at = "2026-01-02T03:04:05Z";
  run.root_process = Pid{77};
  run.observer_process = Pid{78};
  run.version = "0.1.0";
  const Result<RunInfo> back = run_from_json(to_json(run));
  REQUIRE(back);
  CHECK(back->kind == RunKind::kCommand);
  CHECK(back->command == run.command);
  CHECK(back->parameters.at("--ops") == "100");
  CHECK(back->parameters.size() == 2);
  CHECK(back->seed == run.seed);
  CHECK(back->root_process == Pid{77});
  CHECK(back->observer_process == Pid{78});
  CHECK(back->started_at == run.started_at);
  CHECK(back->version == "0.1.0");
}

TEST_CASE("every kind of run has a name of its own") {
  for (const RunKind kind :
       {RunKind::kWorkload, RunKind::kCommand, RunKind::kPid, RunKind::kSystem}) {
    RunInfo run;
    run.kind = kind;
    CHECK(run_from_json(to_json(run))->kind == kind);
  }
}

TEST_CASE("a host comes back as it was") {
  HostInfo host{
      .kernel = "6.18.0",
      .machine = "x86_64",
      .cpus_online = 2,
      .cpus_possible = 4,
      .hz = 250,
      .preempt_model = "full",
      .scheduler = "EEVDF",
      .slice_ns = 2'800'000,
      .hypervisor = "kvm",
      .boot_options = {"isolcpus=1"},
      .topology = {
          {.cpu = Cpu{1}, .online = false, .core = 0, .package = 0, .llc = 3, .node = -1}}};
  const Result<HostInfo> back = host_from_json(to_json(host));
  REQUIRE(back);
  CHECK(to_json(*back) == to_json(host));
  REQUIRE(back->topology.size() == 1);
  CHECK(back->topology[0].cpu == Cpu{1});
  CHECK_FALSE(back->topology[0].online);
  CHECK(back->topology[0].llc == 3);
  CHECK(back->slice_ns == 2'800'000);
}

TEST_CASE("a capture comes back as it was") {
  CaptureInfo capture;
  capture.window_begin = time_at(5);
  capture.window_end = time_at(7);
  capture.recorder_realtime = true;
  capture.recorder_note = "refused";
  capture.peak_backlog_bytes = 99;
  capture.notes = {"it was slow", "to end"};
  capture.exit_status = -1;
  capture.after = {.at = time_at(8), .steal_ns_by_cpu = {1, 2}, .throttled_ns = 3};
  const Result<CaptureInfo> back = capture_from_json(to_json(capture));
  REQUIRE(back);
  CHECK(to_json(*back) == to_json(capture));
  CHECK(back->window_end == time_at(7));
  CHECK(back->exit_status == -1);
  CHECK(back->notes == capture.notes);
  CHECK(back->after.steal_ns_by_cpu == std::vector<std::uint64_t>{1, 2});
  CHECK_FALSE(capture_from_json("{}")->exit_status);
  CHECK_FALSE(capture_from_json("{}")->observer_cpu_ns);
}

TEST_CASE("a workload's facts keep their types") {
  WorkloadInfo workload;
  workload.name = "contended-counter";
  workload.phase_begin = time_at(1);
  workload.truth = {{"exact", true},
                    {"lost", std::int64_t{-5}},
                    {"rate", 2.0},
                    {"none", std::nan("")},
                    {"word", std::string("mutex")}};
  workload.threads.push_back({.tid = Tid{9},
                              .role = "adder",
                              .begin = time_at(2),
                              .end = time_at(3),
                              .truth = {{"operations", std::int64_t{1} << 60}}});
  const Result<WorkloadInfo> back = workload_from_json(to_json(workload));
  REQUIRE(back);
  CHECK(std::get<bool>(back->truth.at("exact")));
  CHECK(std::get<std::int64_t>(back->truth.at("lost")) == -5);
  CHECK(std::get<double>(back->truth.at("rate")) == 2.0);
  CHECK(std::isnan(std::get<double>(back->truth.at("none"))));
  CHECK(std::get<std::string>(back->truth.at("word")) == "mutex");
  REQUIRE(back->threads.size() == 1);
  CHECK(back->threads[0].tid == Tid{9});
  CHECK(std::get<std::int64_t>(back->threads[0].truth.at("operations")) == std::int64_t{1} << 60);
}

TEST_CASE("unknown keys are ignored, missing ones leave the default") {
  const Result<HostInfo> host = host_from_json(R"({"kernel": "7.0", "colour": {"new": [1]}})");
  REQUIRE(host);
  CHECK(host->kernel == "7.0");
  CHECK(host->hz == 0);
}

TEST_CASE("what is wrong is an error that names the key") {
  struct Row {
    const char* json;
    const char* reason;
  };
  const Row rows[] = {
      {R"({"name": 5})", "name is not a text"},
      {R"({"threads": {}})", "threads is not a list"},
      {R"({"threads": [{}, {"tid": "x"}]})", "threads[1].tid is not a whole number"},
      {R"({"threads": [{"tid": -1}]})", "threads[0].tid is out of range"},
      {R"({"threads": [{"tid": 4294967296}]})", "threads[0].tid is out of range"},
      {R"({"threads": [7]})", "threads[0] is not an object"},
      {R"({"phase_begin": 1.5})", "phase_begin is not a whole number"},
      {R"({"phase_begin": 18446744073709551615})", "phase_begin is out of range"},
      {R"({"truth": {"x": [1]}})", "truth.x is not a text"},
      {R"({"name": {"hex": "0g"}})", "name is not a text"},
      {R"({"name": {"hex": "0"}})", "name is not a text"},
      {R"([])", "it is not an object"},
      {R"(7)", "it is not an object"},
      {R"({"name": )", "it is not JSON"},
      {R"()", "it is not JSON"},
      {"\xff", "it is not JSON"},
  };
  for (const Row& row : rows) {
    INFO(row.json);
    const Result<WorkloadInfo> read = workload_from_json(row.json);
    REQUIRE_FALSE(read);
    CHECK(read.error().reason == row.reason);
  }
  CHECK(run_from_json(R"({"kind": "party"})").error().reason == "kind is not a kind of run");
  CHECK(host_from_json(R"({"topology": [{"online": 1}]})").error().reason ==
        "topology[0].online is not true or false");
}

TEST_CASE("nesting without end is refused") {
  std::string deep = R"({"x": )";
  deep.append(200'000, '[');
  CHECK_FALSE(run_from_json(deep));
  deep.append(200'000, ']');
  deep += "}";
  CHECK_FALSE(run_from_json(deep));
}

TEST_CASE("brackets within a text are no nesting") {
  const Result<RunInfo> run = run_from_json(R"({"name": "[[[[[[[[[[[\"{{{{{{{{{{{\\", "seed": 5})");
  REQUIRE(run);
  CHECK(run->name == "[[[[[[[[[[[\"{{{{{{{{{{{\\");
  CHECK(run->seed == 5);
  CHECK(run_from_json(R"({"a":{"b":{"c":{"d":{"e":{"f":{"g":{}}}}}}}})"));
  CHECK(run_from_json(R"({"a":{"b":{"c":{"d":{"e":{"f":{"g":{"h":{}}}}}}}}})").error().reason ==
        "it is nested too deep");
}

TEST_CASE("half a million keys are read in no time") {
  std::string json = "{";
  for (int i = 0; i < 500'000; ++i) json += "\"" + std::to_string(i) + "\":0,";
  json.back() = '}';
  CHECK(run_from_json(json));
}

}  // namespace observe
