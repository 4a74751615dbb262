// What is observed: processes, the machine, and programs that misbehave.
#include <csignal>
#include <fstream>
#include <thread>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "live/session/running.h"
#include "support/catch.h"
#include "support/skip.h"

namespace observe::testing {
namespace {

using nlohmann::json;

const std::string kMisbehave = MISBEHAVE_PROGRAM;

json summary_of(const Folder& folder, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"--json", "-"});
  const Finished run = run_observe(folder, std::move(arguments));
  INFO(run.err);
  REQUIRE(run.status == 0);
  return json::parse(run.out);
}

void check_promises(const json& summary) {
  CHECK(summary["capture"]["lost"] == 0);
  for (const json& check : summary["self_checks"]) {
    INFO(check.dump());
    CHECK((check["passed"] == true || check["promised"] == false));
  }
}

std::size_t targets(const json& summary) {
  std::size_t count = 0;
  for (const json& thread : summary["threads"]) count += thread["target"] == true ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("a running process is observed until it ends") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  Running process(folder, {kMisbehave, "sleep", "900"});
  const json summary = summary_of(folder, {"--pid", std::to_string(process.pid())});
  CHECK(summary["run"]["kind"] == "pid");
  CHECK(summary["run"]["name"] == "misbehave");
  CHECK(summary["run"]["end_reason"] == "ended");
  CHECK(targets(summary) == 1);
  check_promises(summary);
  CHECK(process.wait() == 0);
}

TEST_CASE("a process that is observed for a while goes on afterwards") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  const Running process(folder, {kMisbehave, "sleep", "30000"});
  REQUIRE(eventually([&] { return !processes_with("30000").empty(); }));
  const json summary =
      summary_of(folder, {"--pid", std::to_string(process.pid()), "--duration", "200ms"});
  CHECK(summary["run"]["end_reason"] == "duration");
  CHECK_FALSE(processes_with("30000").empty());
}

TEST_CASE("a process whose first thread ends is observed until the last one ends") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  Running process(folder, {kMisbehave, "leave", "2500"});
  const std::string pid = std::to_string(process.pid());
  json summary = summary_of(folder, {"--duration", "1s", "--pid", pid});  // it ends meanwhile
  CHECK(summary["run"]["end_reason"] == "duration");
  CHECK(targets(summary) == 2);
  check_promises(summary);
  REQUIRE(eventually([&] { return state_of(process.pid()) == 'Z'; }));
  summary = summary_of(folder, {"--pid", pid});  // it has ended
  CHECK(summary["run"]["end_reason"] == "ended");
  check_promises(summary);
  CHECK(process.wait() == 0);
}

TEST_CASE("the whole machine is observed") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  const json summary = summary_of(folder, {"--system", "--duration", "300ms"});
  CHECK(summary["run"]["kind"] == "system");
  CHECK(summary["totals"]["switches"].get<std::uint64_t>() > 0);
  CHECK(targets(summary) > 5);
  check_promises(summary);
}

TEST_CASE("a command that forks a thousand children is observed with all of them") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  const json summary = summary_of(folder, {"--", kMisbehave, "fork", "1000"});
  CHECK(targets(summary) == 1001);
  check_promises(summary);
}

TEST_CASE("threads of hostile names reach neither the terminal nor the JSON as they are") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  const Finished run =
      run_observe(folder, {"--json", "x.json", "--color", "never", "--", kMisbehave, "names"},
                  {.environment = {"LC_ALL=C.UTF-8"}});
  INFO(run.err);
  REQUIRE(run.status == 0);
  CHECK(text::sanitise_lines(run.out) == run.out);
  const json summary = json::parse(std::ifstream(folder.file("x.json")));
  CHECK(targets(summary) == 6);
  check_promises(summary);
}

TEST_CASE("a program that executes itself from another thread stays one process") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  const json summary = summary_of(folder, {"--", kMisbehave, "again", "20"});
  CHECK(summary["run"]["exit_status"] == 0);
  check_promises(summary);
}

TEST_CASE("a process that is stopped and continued is observed") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  const Running process(folder, {kMisbehave, "sleep", "30001"});
  Running observe(folder, observe_words({"--json", "-", "--duration", "1200ms", "--pid",
                                         std::to_string(process.pid())}));
  REQUIRE(eventually([&] { return !folder.names().empty(); }));
  // The recording's file is there before the probes are: what they must see is done more than once.
  for (int i = 0; i < 4; ++i) {
    process.signal(SIGSTOP);
    REQUIRE(eventually([&] { return state_of(process.pid()) == 'T'; }));
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    process.signal(SIGCONT);
    REQUIRE(eventually([&] { return state_of(process.pid()) == 'S'; }));
  }
  CHECK(observe.wait() == 0);
  const json summary = json::parse(observe.out());
  check_promises(summary);
  std::int64_t stopped_ns = 0;
  for (const json& thread : summary["threads"]) {
    if (thread["tid"] != process.pid()) continue;
    for (const json& by : thread["blocked_by"]) {
      if (by["reason"] == "stopped") stopped_ns += by["ns"].get<std::int64_t>();
    }
  }
  INFO(summary["threads"].dump());
  CHECK(stopped_ns > 100'000'000);
}

TEST_CASE("two observers at once do not disturb each other's numbers") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  const std::vector<std::string> words =
      observe_words({"--json", "-", "--workload", "contended-counter", "--duration", "400ms"});
  Running one(folder, words);
  Running two(folder, words);
  CHECK(one.wait() == 0);
  CHECK(two.wait() == 0);
  check_promises(json::parse(one.out()));
  check_promises(json::parse(two.out()));
  CHECK(folder.names() ==
        std::vector<std::string>{"contended-counter-2.obs", "contended-counter.obs"});
}

}  // namespace observe::testing
