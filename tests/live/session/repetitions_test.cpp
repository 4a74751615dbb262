// --reps: several observations in a row.
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include <nlohmann/json.hpp>

#include "live/session/running.h"
#include "support/catch.h"
#include "support/skip.h"

namespace observe::testing {
namespace {

using nlohmann::json;
using Names = std::vector<std::string>;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("three repetitions leave three recordings, one table and one document") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  const Finished run =
      run_observe(folder, {"--reps", "3", "--json", "x.json", "--seed", "7", "--workload",
                           "contended-counter", "--place", "one", "--duration", "300ms"});
  INFO(run.err << run.out);
  REQUIRE(run.status == 0);
  CHECK(folder.names() == Names{"contended-counter-2.obs", "contended-counter-3.obs",
                                "contended-counter.obs", "x.json"});
  CHECK(contains(run.out, "repetitions         3"));
  CHECK(contains(run.out, "contended-counter.obs to contended-counter-3.obs"));
  const json series = json::parse(std::ifstream(folder.file("x.json")));
  CHECK(series["schema"] == "observe.repetitions/1");
  REQUIRE(series["repetitions"].size() == 3);
  std::set<std::int64_t> switches;
  for (const json& one : series["repetitions"]) {
    CHECK(one["schema"] == "observe.summary/1");
    CHECK(one["run"]["seed"] == 7);
    CHECK(one["capture"]["lost"] == 0);
    CHECK(one["capture"]["complete"] == true);
    switches.insert(one["totals"]["switches"].get<std::int64_t>());
  }
  REQUIRE_FALSE(series["predictions"].empty());
  for (const json& prediction : series["predictions"]) {
    const json& verdicts = prediction["verdicts"];
    CHECK(verdicts["shown"].get<int>() + verdicts["refuted"].get<int>() +
              verdicts["inconclusive"].get<int>() + verdicts["cannot-tell"].get<int>() ==
          3);
  }
  for (const json& metric : series["metrics"]) {
    if (metric["name"] != "switches") continue;
    CHECK(metric["count"] == 3);
    CHECK(metric["min"] == *switches.begin());
    CHECK(metric["max"] == *switches.rbegin());
  }
}

TEST_CASE("under sudo each repetition has the rights it needs, and its file is the caller's") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  constexpr uid_t kUser = 65534;
  REQUIRE(chown(folder.path().c_str(), kUser, kUser) == 0);
  const Finished run =
      run_observe(folder, {"--reps", "2", "--json", "-", "--", "sh", "-c", "id -u >&2; exit 5"},
                  {.environment = {"SUDO_UID=65534", "SUDO_GID=65534", "SUDO_USER=nobody"}});
  INFO(run.err);
  CHECK(run.status == 5);
  CHECK(run.err == "65534\n65534\n");
  CHECK(json::parse(run.out)["repetitions"].size() == 2);
  CHECK(folder.names() == Names{"sh-2.obs", "sh.obs"});
  struct stat status{};
  REQUIRE(stat(folder.file("sh-2.obs").c_str(), &status) == 0);
  CHECK(status.st_uid == kUser);
}

TEST_CASE("an interrupt ends the series, and what there is is reported") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  Running observe(folder, observe_words({"--reps", "50", "--json", "x.json", "--workload",
                                         "contended-counter", "--duration", "1500ms"}));
  REQUIRE(
      eventually([&] { return std::filesystem::exists(folder.file("contended-counter-2.obs")); }));
  std::this_thread::sleep_for(std::chrono::milliseconds(700));
  observe.signal(SIGINT);
  CHECK(observe.wait() == 0);
  INFO(observe.err() << observe.out());
  CHECK(contains(observe.out(), "2 of 50; 1 interrupted"));
  const json series = json::parse(std::ifstream(folder.file("x.json")));
  REQUIRE(series["repetitions"].size() == 2);
  CHECK(series["counted"] == json::array({true, false}));
  CHECK(series["repetitions"][1]["run"]["end_reason"] == "interrupted");
  CHECK(processes_with("contended-counter").empty());
}

TEST_CASE("a series whose parent is killed ends, and leaves nothing running") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  Running observe(folder, observe_words({"--reps", "3", "--", "sleep", "61.4711"}));
  REQUIRE(eventually([] { return processes_with("61.4711").size() == 3; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  observe.signal(SIGKILL);
  CHECK(observe.wait() == 128 + SIGKILL);
  CHECK(eventually([] { return processes_with("61.4711").empty(); }));
}

TEST_CASE("a command that cannot be executed is tried once") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  const Finished run =
      run_observe(folder, {"--reps", "4", "--json", "x.json", "--", "no-such-command-here"});
  CHECK(run.status == 127);
  CHECK(folder.names().empty());
  CHECK(run.err.find("no-such-command-here") == run.err.rfind("no-such-command-here"));
}

}  // namespace observe::testing
