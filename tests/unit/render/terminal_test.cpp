#include "render/terminal.h"

#include <random>
#include <sstream>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "render/format.h"
#include "render/json.h"
#include "support/catch.h"
#include "support/golden.h"
#include "unit/render/sample_summary.h"

namespace observe::render {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::ordered_json;

SummaryOptions plain() {
  SummaryOptions options;
  options.parameters = {"lock", "threads", "place"};
  options.files = {"contended-counter.obs"};
  return options;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

void require_fits(const std::string& text, std::size_t columns) {
  const std::vector<std::string> lines = lines_of(text);
  REQUIRE(lines.size() <= kSummaryLines);
  for (const std::string& line : lines) {
    INFO(line);
    REQUIRE(text::width(line) <= columns);
    REQUIRE(text::sanitise(line) == line);
  }
}

bool shows(const std::string& text, const std::string& part) {
  INFO("missing: " << part);
  const bool found = text.find(part) != std::string::npos;
  CHECK(found);
  return found;
}

// A summary with everything at random, as large and as strange as recordings may make it.
report::Summary random_summary(std::mt19937_64& random) {
  report::Summary summary = testing::sample_summary();
  const auto any = [&](std::uint64_t limit) { return random() % limit; };
  const auto name = [&] {
    std::string bytes(any(40), ' ');
    for (char& byte : bytes) byte = static_cast<char>(any(256));
    return bytes;
  };
  const auto time = [&] { return Nanos{static_cast<std::int64_t>(random() >> (1 + any(60)))}; };
  const auto words = [&] {
    std::string text;
    for (std::uint64_t i = any(60); i > 0; --i) text += name().substr(0, 9) + " ";
    return text;
  };
  summary.run.kind = any(2) == 0 ? "system" : "command";
  summary.run.command = {name(), name(), name()};
  summary.run.duration = time();
  summary.run.exit_status = static_cast<int>(any(256));
  summary.host.kernel = name();
  summary.capture.lost = any(2) * any(1'000'000);
  summary.capture.lost_intervals.assign(any(4), {1, time(), time(), 7});
  summary.capture.complete = any(2) == 0;
  summary.capture.notes.assign(any(4), words());
  summary.capture.events = random();
  summary.capture.damaged_blocks = any(2) * any(1'000'000);
  summary.capture.missed_probe_runs = any(2) * random();
  summary.capture.markers_lost = any(2) * random();
  if (any(3) > 0) summary.capture.observer_cpu = time();
  if (any(3) > 0) summary.capture.probe_cpu = time();
  summary.totals.switches = random();
  summary.waits = {random(), time(), time(), time(), time(), time()};
  summary.worst_waiter = name();
  summary.roles.assign(any(30), {});
  for (report::RoleSummary& role : summary.roles) {
    role = {name(), any(9'000'000), time(), time(), time(), time(), time(), time()};
  }
  summary.holders.assign(any(30), {});
  for (report::Holder& holder : summary.holders) holder = {name(), 1, false, time()};
  const report::CpuSummary cpu = summary.cpus[0];
  summary.cpus.assign(any(3) == 0 ? any(1025) : any(20), cpu);
  for (report::CpuSummary& one : summary.cpus) {
    one.cpu = static_cast<int>(any(1024));
    one.busy = time();
    one.idle = time();
    one.queue_max = random();
    one.utilisation.resize(any(300), 0.5);
  }
  if (any(3) == 0) summary.workload.reset();
  if (summary.workload) {
    summary.workload->headline.assign(any(4), words());
    report::Prediction prediction = summary.workload->predictions[0];
    prediction.name = name();
    prediction.verdict = static_cast<report::PredictionVerdict>(any(4));
    prediction.reason = words();
    if (any(3) == 0) prediction.predicted.reset();
    summary.workload->predictions.assign(any(5), prediction);
  }
  if (any(4) == 0) summary.findings.clear();
  for (report::Finding& finding : summary.findings) {
    finding.claim = words();
    finding.evidence.assign(any(5), words());
  }
  for (report::SelfCheck& check : summary.self_checks) {
    check.passed = any(2) == 0;
    check.applicable = any(3) > 0;
  }
  return summary;
}

}  // namespace

TEST_CASE("the summary of a full run is the golden one") {
  const std::string text = terminal_summary(testing::sample_summary(), plain());
  require_fits(text, 80);
  CHECK(text == testing::golden("summary.txt", text));
}

TEST_CASE("without UTF-8 the layout is the same in ASCII") {
  SummaryOptions options = plain();
  options.style.unicode = false;
  const std::string ascii = terminal_summary(testing::sample_summary(), options);
  CHECK(ascii == testing::golden("summary-ascii.txt", ascii));
  const std::vector<std::string> narrow = lines_of(ascii);
  const std::vector<std::string> wide =
      lines_of(terminal_summary(testing::sample_summary(), plain()));
  REQUIRE(narrow.size() == wide.size());
  for (std::size_t i = 0; i < narrow.size(); ++i) {
    CHECK(text::width(narrow[i]) >= text::width(wide[i]));
    CHECK(text::width(narrow[i]) <= options.style.columns);
    for (const char c : narrow[i]) REQUIRE((c >= 0x20 && c < 0x7f));
  }
}

TEST_CASE("what is missing is named, and a cost that is not known is no zero") {
  report::Summary summary = testing::sample_summary();
  CHECK(terminal_summary(summary, plain()).find("missing") == std::string::npos);
  summary.capture.damaged_blocks = 1;
  summary.capture.missed_probe_runs = 20;
  summary.capture.markers_lost = 300;
  summary.capture.probe_cpu.reset();
  std::string text = terminal_summary(summary, plain());
  CHECK(text.find("1 damaged block, 20 missed probe runs, 300 lost markers") != std::string::npos);
  CHECK(text.find("+ probes not known of CPU time\n") != std::string::npos);
  summary.capture.observer_cpu.reset();
  text = terminal_summary(summary, plain());
  CHECK(text.find("not known\n") != std::string::npos);
  CHECK(text.find("of CPU time") == std::string::npos);
}

TEST_CASE("colour changes nothing but colour") {
  SummaryOptions options = plain();
  options.style.colour = true;
  const std::string coloured = terminal_summary(testing::sample_summary(), options);
  std::string stripped;
  bool in_sequence = false;
  for (const char c : coloured) {
    if (c == '\x1b') in_sequence = true;
    if (!in_sequence) stripped += c;
    if (c == 'm') in_sequence = false;
  }
  CHECK(coloured.find("\x1b[1;32mshown\x1b[0m") != std::string::npos);
  CHECK(stripped == terminal_summary(testing::sample_summary(), plain()));
}

TEST_CASE("any summary fits 24 lines of 80 columns and cannot steer the terminal") {
  std::mt19937_64 random(20'240'601);
  for (int round = 0; round < 400; ++round) {
    const report::Summary summary = random_summary(random);
    SummaryOptions options = plain();
    options.files = {std::string(random() % 200, '/'), "x.json"};
    require_fits(terminal_summary(summary, options), 80);
    options.style.columns = 40 + random() % 100;
    require_fits(terminal_summary(summary, options), options.style.columns);
  }
}

TEST_CASE("an empty summary is shown and not a crash") {
  const std::string text = terminal_summary({}, {});
  require_fits(text, 80);
  shows(text, "none for a CPU");
}

TEST_CASE("the terminal and the JSON show the same numbers") {
  const report::Summary summary = testing::sample_summary();
  const std::string text = terminal_summary(summary, plain());
  const Json json = Json::parse(json_summary(summary));
  const auto ns = [](const Json& value) { return duration(Nanos{value.get<std::int64_t>()}); };
  const auto n = [](const Json& value) { return count(value.get<std::uint64_t>()); };

  shows(text, ns(json["run"]["duration_ns"]));
  shows(text, "seed " + std::to_string(json["run"]["seed"].get<std::uint64_t>()));
  shows(text, "HZ " + n(json["host"]["hz"]));
  shows(text, "slice " + ns(json["host"]["slice_ns"]));
  const Json& waits = json["waits"];
  shows(text, n(waits["count"]) + "  p50 " + ns(waits["p50_ns"]) + "  p90 " + ns(waits["p90_ns"]) +
                  "  p99 " + ns(waits["p99_ns"]) + "  max " + ns(waits["max_ns"]) + " at " +
                  ns(waits["max_at_ns"]));
  const Json& totals = json["totals"];
  shows(text, n(totals["switches"]) + " = " + n(totals["preempted"]) + " preempted + " +
                  n(totals["yielded"]) + " yielded + " + n(totals["blocked"]) + " blocked");
  shows(text, n(totals["migrations"]) + " · wake-ups " + n(totals["wakeups"]));
  for (const Json& holder : json["holders"]) {
    shows(text, holder["name"].get<std::string>() + " " + ns(holder["ns"]));
  }
  const Json& capture = json["capture"];
  shows(text, n(capture["events"]) + " events, " + n(capture["lost"]) + " lost");
  shows(text, ns(capture["observer_cpu_ns"]) + " + probes " + ns(capture["probe_cpu_ns"]));
  shows(text, bytes(capture["recording_bytes"].get<std::uint64_t>()));
  const Json& prediction = json["workload"]["predictions"][0];
  shows(text, number(prediction["predicted"].get<double>()) + " ±" +
                  number(prediction["tolerance"].get<double>(), 2) + ", measured " +
                  number(prediction["measured"].get<double>()));
  std::size_t passed = 0, promised = 0;
  for (const Json& check : json["self_checks"]) {
    if (!check["promised"].get<bool>() && !check["excused"].get<bool>()) continue;
    ++promised;
    if (check["passed"].get<bool>()) ++passed;
  }
  shows(text, std::to_string(passed) + "/" + std::to_string(promised) + " passed");
  for (const Json& cpu : json["cpus"]) {
    const double busy = cpu["busy_ns"].get<double>();
    shows(text, percent(busy, busy + cpu["idle_ns"].get<double>()));
    shows(text, "max " + n(cpu["queue_max"]));
  }
}

TEST_CASE("the parts of a role's bar add up to 100 per cent") {
  report::Summary summary = testing::sample_summary();
  summary.roles = {{.role = "x", .threads = 1, .run = 1s, .wait = 1s, .blocked = 1s}};
  shows(terminal_summary(summary, plain()), " 33.4  33.3  33.3 %");
  summary.roles[0].unknown = 1s;
  shows(terminal_summary(summary, plain()), " 25.0  25.0  25.0  25.0 %");
  shows(terminal_summary(summary, plain()), "┄ unknown");
  CHECK(terminal_summary(summary, plain()).find("waking") == std::string::npos);
  summary.roles[0].wake_delay = 1s;
  const std::string all = terminal_summary(summary, plain());
  require_fits(all, 80);
  shows(all, " 20.0  20.0  20.0  20.0  20.0 %");
  shows(all, "▪ waking");
  shows(all, "   run  wait block  wake     ?");
}

TEST_CASE("the role that wants the CPU most comes first") {
  report::Summary summary = testing::sample_summary();
  summary.roles = {{.role = "sleeper", .threads = 9, .run = 1ms, .blocked = 900s},
                   {.role = "worker", .threads = 1, .run = 1s, .wait = 1s}};
  const std::string text = terminal_summary(summary, plain());
  CHECK(text.find("worker ×1") < text.find("sleeper ×9"));
}

TEST_CASE("roles that do not fit are summed up") {
  report::Summary summary = testing::sample_summary();
  const report::RoleSummary role = summary.roles[0];
  summary.roles.assign(30, role);
  const std::string text = terminal_summary(summary, plain());
  require_fits(text, 80);
  shows(text, " more ×");
}

TEST_CASE("loss, failed checks and a torn recording are said plainly") {
  report::Summary summary = testing::sample_summary();
  summary.capture.lost = 1234;
  summary.capture.lost_intervals = {{1, 200ms, 230ms, 1200}, {0, 1s, 1001ms, 34}};
  summary.capture.complete = false;
  summary.self_checks[2] = {"switches = nvcsw + nivcsw", 2, 1, 3, "switches", false, true, ""};
  const std::string text = terminal_summary(summary, plain());
  require_fits(text, 80);
  shows(text, "1,234 lost");
  shows(text, "1,234 events (9.1 %) in 2 places, the first on cpu 1 at 200 ms");
  shows(text, "3/4 passed");
  shows(text, "switches = nvcsw + nivcsw: 1 of 2 exact, worst 3 switches");
  shows(text, "incomplete");
}

TEST_CASE("a check that the kernel does not promise never counts as failed") {
  report::Summary summary = testing::sample_summary();
  REQUIRE_FALSE(summary.self_checks.back().promised);
  summary.self_checks.back().passed = false;
  const std::string text = terminal_summary(summary, plain());
  shows(text, "4/4 passed");
  CHECK(text.find("failed") == std::string::npos);
}

TEST_CASE("a check with nothing to check counts neither as passed nor as failed") {
  report::Summary summary = testing::sample_summary();
  for (report::SelfCheck& check : summary.self_checks) check.passed = true;
  summary.self_checks[1].applicable = false;
  summary.self_checks[2].applicable = false;
  summary.self_checks[2].passed = false;
  const std::string text = terminal_summary(summary, plain());
  shows(text, "self-checks 2/2 passed, 2 not possible");
  CHECK(text.find("failed") == std::string::npos);
}

TEST_CASE("a check that is excused in this run is counted, and said") {
  report::Summary summary = testing::sample_summary();
  summary.self_checks[3].promised = summary.self_checks[3].passed = false;
  summary.self_checks[3].excused = true;
  const std::string text = terminal_summary(summary, plain());
  require_fits(text, 80);
  shows(text, "self-checks 3/4 passed, 1 excused");
  CHECK(text.find("failed") == std::string::npos);
}

TEST_CASE("how many threads were checked and the worst difference are said") {
  report::Summary summary = testing::sample_summary();
  summary.kernel_agreement = {.threads = 2, .worst_switches = 1, .worst_run_percent = 0.24};
  shows(terminal_summary(summary, plain()),
        "2 threads against the kernel: worst 1 switches, 0.2 % of run time");
  summary.kernel_agreement = {};
  shows(terminal_summary(summary, plain()), "no thread: the kernel's account is missing");
}

TEST_CASE("unknown time is said with the trust, from a thousandth on") {
  report::Summary summary = testing::sample_summary();
  const auto trusts = [&](Nanos unknown) {
    summary.roles[0].unknown = unknown;
    return terminal_summary(summary, plain()).find("unknown     0.1 %") != std::string::npos;
  };
  CHECK_FALSE(trusts(4ms));  // of 4 s
  CHECK(trusts(5ms));
}

}  // namespace observe::render
