// How runs end: exit statuses, signals, and that nothing is left behind.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include <nlohmann/json.hpp>

#include "live/session/running.h"
#include "support/catch.h"
#include "support/skip.h"

namespace observe::testing {
namespace {

using nlohmann::json;

const std::string kMisbehave = MISBEHAVE_PROGRAM;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

bool gone(const std::string& word) {
  return eventually([&] { return processes_with(word).empty(); });
}

}  // namespace

TEST_CASE("a command's exit status is passed on, as a shell gives it") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  CHECK(run_observe(folder, {"--", "true"}).status == 0);
  CHECK(run_observe(folder, {"--", "sh", "-c", "exit 7"}).status == 7);
  CHECK(run_observe(folder, {"--", "sh", "-c", "kill -9 $$"}).status == 137);
  CHECK(folder.names() == std::vector<std::string>{"sh-2.obs", "sh.obs", "true.obs"});
}

TEST_CASE("a command that cannot be executed leaves a message and nothing else") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  const Finished missing = run_observe(folder, {"--", "no-such-command-here"});
  CHECK(missing.status == 127);
  CHECK(contains(missing.err, "no-such-command-here"));
  CHECK(run_observe(folder, {"--", "/etc/passwd"}).status == 126);
  CHECK(run_observe(folder, {"--json", "x.json", "--", "/etc"}).status == 126);
  CHECK(folder.names().empty());
}

TEST_CASE("bad usage starts nothing and leaves nothing") {
  const Folder folder;
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {}, {"--workload", "nothing"}, {"--pid", "2"}, {"--pid", "4194304"}, {"frob"}}) {
    const Finished run = run_observe(folder, arguments);
    CHECK(run.status == 2);
    CHECK_FALSE(run.err.empty());
    CHECK(run.out.empty());
  }
  CHECK(folder.names().empty());
}

TEST_CASE("without privileges the answer is 3, and nothing is left") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  std::filesystem::permissions(folder.path(), std::filesystem::perms::all);
  const std::string seed = "4711004711";  // to know our own processes by
  const Finished run =
      run_observe(folder, {"--workload", "contended-counter", "--duration", "20s", "--seed", seed},
                  {.without_privileges = true});
  INFO(run.err);
  CHECK(run.status == 3);
  CHECK(contains(run.err, "sudo"));
  CHECK(folder.names().empty());
  CHECK(gone(seed));
}

TEST_CASE("an interrupted workload is reported all the same") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  Running observe(folder, observe_words({"--json", "x.json", "--workload", "contended-counter",
                                         "--duration", "50s"}));
  REQUIRE(eventually([&] { return !children_of(observe.pid()).empty(); }));
  REQUIRE(
      eventually([&] { return std::filesystem::exists(folder.file("contended-counter.obs")); }));
  std::this_thread::sleep_for(std::chrono::milliseconds(700));
  const std::vector<pid_t> children = children_of(observe.pid());
  observe.signal(SIGINT);
  CHECK(observe.wait() == 0);
  CHECK(contains(observe.out(), "interrupted"));
  for (const pid_t child : children) CHECK(uid_of(child) == -1);
  const json summary = json::parse(std::ifstream(folder.file("x.json")));
  CHECK(summary["run"]["end_reason"] == "interrupted");
  CHECK(summary["capture"]["complete"] == true);
  CHECK(summary["run"]["duration_ns"].get<std::int64_t>() < 20'000'000'000);
}

TEST_CASE("a signal to the observer alone reaches the command") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  Running observe(folder, observe_words({"--", "sleep", "47.11"}));
  REQUIRE(eventually([] { return processes_with("47.11").size() == 2; }));
  observe.signal(SIGTERM);
  CHECK(observe.wait() == 128 + SIGTERM);
  CHECK(contains(observe.out(), "interrupted"));
  CHECK(gone("47.11"));
}

TEST_CASE("a second signal stops at once, and the recording can be read") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  Running observe(folder, observe_words({"--", kMisbehave, "ignore", "4711"}));
  REQUIRE(eventually([&] { return contains(observe.out(), "ignoring"); }));
  observe.signal(SIGINT);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  observe.signal(SIGINT);
  CHECK(observe.wait(std::chrono::seconds(4)) == 1);
  CHECK(contains(observe.err(), "stopped at once"));
  CHECK(gone("4711"));
  const Finished report = run_observe(folder, {"report", "misbehave.obs"});
  CHECK(report.status == 0);
  CHECK(contains(report.out, "incomplete"));
}

TEST_CASE("a command that does not stop after its duration is killed") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  const Finished run =
      run_observe(folder, {"--duration", "100ms", "--", kMisbehave, "ignore", "4712"});
  CHECK(run.status == 128 + SIGKILL);
  CHECK(gone("4712"));
}

TEST_CASE("when the duration ends a command, all that came from it ends too") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  for (const RunOptions& options :
       {RunOptions{},
        RunOptions{.environment = {"SUDO_UID=65534", "SUDO_GID=65534", "SUDO_USER=nobody"}}}) {
    std::filesystem::permissions(folder.path(), std::filesystem::perms::all);
    // A child, a daemon that forked twice and left the session, and one that is deaf.
    const std::string script =
        "sleep 31.4711 & setsid sh -c 'sleep 32.4711 & exec true'; "
        "(trap '' TERM; exec sleep 33.4711) & exec sleep 34.4711";
    const Finished run =
        run_observe(folder, {"--duration", "400ms", "--", "sh", "-c", script}, options);
    INFO(run.err);
    CHECK(run.status == 128 + SIGTERM);
    CHECK(processes_with("4711").empty());
  }
}

TEST_CASE("when Ctrl-C ends a command, its background jobs end too") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  Running observe(folder, observe_words({"--", "sh", "-c", "sleep 35.4711 & wait"}));
  REQUIRE(eventually([] { return processes_with("35.4711").size() == 3; }));
  observe.signal(SIGINT);
  CHECK(observe.wait() == 128 + SIGINT);
  CHECK(processes_with("35.4711").empty());
}

TEST_CASE("a second signal ends what came from the command at once") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  Running observe(
      folder, observe_words({"--", "sh", "-c", "(trap '' INT TERM; exec sleep 36.4711) & wait"}));
  REQUIRE(eventually([] { return processes_with("36.4711").size() == 3; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  observe.signal(SIGINT);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  observe.signal(SIGINT);
  CHECK(observe.wait(std::chrono::seconds(4)) == 1);
  CHECK(processes_with("36.4711").empty());
}

TEST_CASE("a daemon that a command leaves behind when it ends by itself goes on") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  CHECK(run_observe(folder, {"--", "sh", "-c", "sleep 37.4711 >/dev/null 2>&1 & exit 3"}).status ==
        3);
  const std::vector<pid_t> left = processes_with("37.4711");
  CHECK(left.size() == 1);
  for (const pid_t pid : left) kill(pid, SIGKILL);
}

TEST_CASE("an observer that is killed leaves a readable recording and no workload") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  Running observe(folder, observe_words({"--workload", "contended-counter", "--duration", "50s"}));
  REQUIRE(eventually([&] { return !children_of(observe.pid()).empty(); }));
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  const std::vector<pid_t> children = children_of(observe.pid());
  REQUIRE_FALSE(children.empty());
  observe.signal(SIGKILL);
  CHECK(observe.wait() == 128 + SIGKILL);
  for (const pid_t child : children) CHECK(eventually([&] { return uid_of(child) == -1; }));
  const Finished report = run_observe(folder, {"report", "contended-counter.obs", "--json", "-"});
  INFO(report.err);
  REQUIRE(report.status == 0);
  const json summary = json::parse(report.out);
  CHECK(summary["capture"]["complete"] == false);
  CHECK(summary["totals"]["switches"].get<std::uint64_t>() > 10);
  CHECK(run_observe(folder, {"report", "contended-counter.obs", "--strict"}).status == 4);
}

TEST_CASE("when the disk is full, what was recorded before is reported, and the exit status is 1") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  // A limit on the size of files fails the write as a full disk does.
  std::vector<std::string> words{"sh", "-c", "ulimit -f 200; trap '' XFSZ; exec \"$0\" \"$@\""};
  for (const std::string& word : observe_words({"--", kMisbehave, "switch", "10000000"})) {
    words.push_back(word);
  }
  Running observe(folder, words);
  CHECK(observe.wait() == 1);
  INFO(observe.err());
  CHECK(contains(observe.err(), "File too large"));
  CHECK(contains(observe.out(), "incomplete"));
  CHECK(contains(observe.out(), "misbehave.obs"));
  CHECK(std::filesystem::file_size(folder.file("misbehave.obs")) > 10'000);
  const Finished report = run_observe(folder, {"report", "misbehave.obs", "--json", "-"});
  REQUIRE(report.status == 0);
  CHECK(json::parse(report.out)["capture"]["complete"] == false);
}

TEST_CASE("lost events are an exit status of 4 with --strict, and only then") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  // One page a CPU holds some eighty records; a hand-over makes several.
  const std::vector<std::string> base{"--buffer-mib", "0.004", "--json", "-", "--quiet"};
  const std::vector<std::string> command{"--", kMisbehave, "switch", "20000"};
  std::vector<std::string> lax = base;
  lax.insert(lax.end(), command.begin(), command.end());
  const Finished tolerated = run_observe(folder, lax);
  CHECK(tolerated.status == 0);
  const json summary = json::parse(tolerated.out);
  REQUIRE(summary["capture"]["lost"].get<std::uint64_t>() > 0);
  CHECK_FALSE(summary["capture"]["lost_intervals"].empty());
  std::vector<std::string> strict = base;
  strict.push_back("--strict");
  strict.insert(strict.end(), command.begin(), command.end());
  CHECK(run_observe(folder, strict).status == 4);
}

TEST_CASE("a quiet strict run without loss says nothing and is 0") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  const Finished run = run_observe(
      folder, {"--quiet", "--strict", "--workload", "contended-counter", "--duration", "200ms"});
  CHECK(run.out.empty());
  CHECK(run.err.empty());
  CHECK(folder.names() == std::vector<std::string>{"contended-counter.obs"});
  CHECK(run.status == 0);
}

}  // namespace observe::testing
