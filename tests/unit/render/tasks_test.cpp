// Tasks in user space in the summary and in the JSON.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "render/json.h"
#include "render/terminal.h"
#include "render/terminal_parts.h"
#include "support/catch.h"
#include "unit/render/sample_summary.h"

namespace observe::render {
namespace {

using namespace std::chrono_literals;

report::UserTaskThread carrier(std::string name, std::uint64_t switches) {
  report::UserTaskThread thread{.name = std::move(name), .tid = 7, .tasks = 8};
  thread.switches = switches;
  thread.kernel_switches = 3;
  thread.waits = {switches - 8, 699us, 702us, 710us, 51'200us, 12ms};
  thread.worst = report::WorstTaskWait{.task = 2, .ran_instead = 0, .ran = 50ms, .off_cpu = 1ms};
  return thread;
}

std::string written(const Lines& lines) { return write_lines(lines, {.columns = 120}); }

}  // namespace

TEST_CASE("user tasks take one line, which fits whatever the numbers are") {
  report::Summary summary = testing::sample_summary();
  CHECK(user_task_lines(summary, 80).empty());
  summary.user_tasks.emplace().threads = {carrier("coop-0", 943)};
  CHECK(written(user_task_lines(summary, 100)) ==
        "tasks       8 on coop-0: 943 switches, 3 in the kernel; waits p50 699 µs  max 51.2 ms\n");
  for (const std::uint64_t switches : {943ULL, 5'943ULL, 123'456'789ULL, ~0ULL}) {
    summary.user_tasks->threads = {carrier(std::string(40, '\x1b'), switches)};
    const Lines lines = user_task_lines(summary, 80);
    REQUIRE(lines.size() == 1);
    CHECK(lines.front().width() <= 80);
    CHECK(written(lines).find("max 51.2 ms") != std::string::npos);
    CHECK(written(lines).find('\x1b') == std::string::npos);
  }
  const std::string whole = terminal_summary(summary, {});
  CHECK(std::ranges::count(whole, '\n') <= 24);
  CHECK(whole.find("tasks       8") != std::string::npos);
}

TEST_CASE("of many threads with tasks two are shown, and how many more there are") {
  report::Summary summary = testing::sample_summary();
  summary.user_tasks.emplace().threads.assign(5, carrier("coop-0", 99));
  const Lines lines = user_task_lines(summary, 100);
  REQUIRE(lines.size() == 2);
  CHECK(written(lines).find("+3 more") != std::string::npos);
}

TEST_CASE("the JSON has the user tasks with their worst wait") {
  report::Summary summary = testing::sample_summary();
  summary.user_tasks.emplace().threads = {carrier("coop-0", 943)};
  const auto json = nlohmann::json::parse(json_summary(summary));
  const auto& thread = json.at("user_tasks").at(0);
  CHECK(thread.at("name") == "coop-0");
  CHECK(thread.at("switches") == 943);
  CHECK(thread.at("waits").at("p50_ns") == 699'000);
  CHECK(thread.at("worst").at("ran_instead") == 0);
  CHECK(thread.at("worst").at("ran_ns") == 50'000'000);
}

}  // namespace observe::render
