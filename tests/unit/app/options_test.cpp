#include "app/options.h"

#include <string>
#include <vector>

#include "app/help.h"
#include "app/option_rows.h"
#include "base/text.h"
#include "support/catch.h"

namespace observe::app {
namespace {

using namespace std::chrono_literals;

workloads::Machine machine() {
  return {.online_cpus = {Cpu{0}, Cpu{1}},
          .allowed_cpus = {Cpu{0}, Cpu{1}},
          .thread_limit = 1000,
          .realtime_limit = 0,
          .nice_limit = 0};
}

Result<Invocation> parse(std::vector<std::string> arguments) {
  return parse_command_line(arguments, machine());
}

template <class T>
T parsed(std::vector<std::string> arguments) {
  Result<Invocation> invocation = parse(std::move(arguments));
  if (!invocation) FAIL(invocation.error().text());
  REQUIRE(std::holds_alternative<T>(*invocation));
  return std::get<T>(std::move(*invocation));
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a workload runs with its defaults, and with what is given") {
  const auto plain = parsed<RunInvocation>({"--workload", "contended-counter"});
  CHECK(plain.kind == RunKind::kWorkload);
  REQUIRE(plain.workload != nullptr);
  CHECK(plain.workload->name == "contended-counter");
  CHECK(plain.values.text("threads") == "2");
  CHECK_FALSE(plain.seed.has_value());
  CHECK_FALSE(plain.output.quiet);

  const auto given =
      parsed<RunInvocation>({"--seed", "7", "--lock=mutex", "--workload=contended-counter",
                             "--threads", "3", "--duration", "200ms", "--quiet", "--strict"});
  CHECK(given.values.text("lock") == "mutex");
  CHECK(given.values.integer("threads") == 3);
  CHECK(given.values.duration("duration") == 200ms);
  CHECK(given.seed == 7u);
  CHECK(given.output.quiet);
  CHECK(given.output.strict);
}

TEST_CASE("a negative value is a value and no option") {
  const auto result = parse({"--workload", "contended-counter", "--nice", "-5"});
  // Whether -5 may be had depends on the machine; that it was understood shows in the message.
  if (!result) CHECK_FALSE(contains(result.error().text(), "no such option"));
  const auto run = parsed<RunInvocation>({"--workload", "contended-counter", "--nice=5"});
  CHECK(run.values.integer("nice") == 5);
}

TEST_CASE("a command keeps every word of its own") {
  const auto run =
      parsed<RunInvocation>({"--json", "-", "--", "list", "--workload", "x", "--", "--quiet", ""});
  CHECK(run.kind == RunKind::kCommand);
  CHECK(run.command == std::vector<std::string>{"list", "--workload", "x", "--", "--quiet", ""});
  CHECK(run.output.json == "-");
  CHECK_FALSE(run.output.quiet);
}

TEST_CASE("the other modes and common options") {
  const auto pid = parsed<RunInvocation>({"--pid", "42", "--duration=1.5s", "--output", "a/b"});
  CHECK(pid.kind == RunKind::kPid);
  CHECK(raw(pid.pid) == 42);
  CHECK(pid.duration == 1500ms);
  CHECK(pid.prefix == "a/b");
  const auto system = parsed<RunInvocation>({"--system", "--buffer-mib", "3"});
  CHECK(system.kind == RunKind::kSystem);
  CHECK(system.buffer_bytes_per_cpu == 4u << 20);  // rounded up to a power of two
  CHECK(parsed<RunInvocation>({"--system", "--buffer-mib", "0.01"}).buffer_bytes_per_cpu == 16384);
  CHECK(parsed<RunInvocation>({"--system", "--color", "never"}).output.colour == Colour::kNever);
  CHECK(parsed<RunInvocation>({"--system", "--seed=9223372036854775807"}).seed ==
        9'223'372'036'854'775'807u);
}

TEST_CASE("repetitions are counted, and need an end of their own") {
  CHECK(parsed<RunInvocation>({"--workload", "contended-counter"}).repetitions == 1);
  CHECK(parsed<RunInvocation>({"--reps", "5", "--workload", "contended-counter"}).repetitions == 5);
  CHECK(parsed<RunInvocation>({"--reps=2", "--", "true"}).repetitions == 2);
  CHECK(parsed<RunInvocation>({"--reps", "3", "--duration", "1s", "--system"}).repetitions == 3);
  CHECK(parsed<RunInvocation>({"--reps", "1", "--pid", "42"}).repetitions == 1);
  for (const char* count : {"0", "-1", "1001", "two", ""}) {
    CHECK_FALSE(parse({"--reps", count, "--", "true"}));
  }
  const auto endless = parse({"--reps", "2", "--pid", "42"});
  REQUIRE_FALSE(endless);
  CHECK(contains(endless.error().text(), "--duration"));
}

TEST_CASE("subcommands") {
  CHECK_FALSE(parsed<ListInvocation>({"list"}).json);
  CHECK(parsed<ListInvocation>({"list", "--json"}).json);
  CHECK(parsed<ExplainInvocation>({"explain", "contended-counter"}).workload->name ==
        "contended-counter");
  const auto report = parsed<ReportInvocation>({"report", "--json=x.json", "a.obs"});
  CHECK(report.file == "a.obs");
  CHECK(report.output.json == "x.json");
  CHECK(parsed<DoctorInvocation>({"doctor", "--color=always"}).colour == Colour::kAlways);
}

TEST_CASE("the options --help and --version are answered whatever else is there") {
  CHECK(contains(parsed<TextInvocation>({"--help"}).text, "--workload NAME"));
  CHECK(contains(parsed<TextInvocation>({"--version"}).text, "observe "));
  CHECK(contains(parsed<TextInvocation>({"--workload", "contended-counter", "--help"}).text,
                 "--lock"));
  CHECK(contains(parsed<TextInvocation>({"report", "--help"}).text, "FILE.obs"));
  CHECK_FALSE(contains(parsed<TextInvocation>({"list", "--help"}).text, "--strict"));
}

TEST_CASE("help fits 80 columns and names every option") {
  const workloads::Spec* workload = workloads::find("contended-counter");
  REQUIRE(workload != nullptr);
  for (const workloads::Spec* one : {static_cast<const workloads::Spec*>(nullptr), workload}) {
    const std::string help = run_help(one);
    for (const OptionGroup& group : run_options(one)) {
      // With a workload it is settled what to observe.
      if (one != nullptr && group.title.starts_with("What to observe")) continue;
      for (const OptionRow& row : group.rows) CHECK(contains(help, "  --" + row.name));
    }
    for (std::size_t at = 0; at < help.size();) {
      const std::size_t end = help.find('\n', at);
      REQUIRE(end != std::string::npos);
      CHECK(text::width(help.substr(at, end - at)) <= 80);
      at = end + 1;
    }
  }
}

TEST_CASE("what is not there yet is not offered") {
  for (const char* later : {"--no-html", "--no-stacks", "--sample-hz"}) {
    CHECK_FALSE(contains(run_help(nullptr), later));
    CHECK_FALSE(parse({"--system", later, "1"}).has_value());
  }
  CHECK_FALSE(parse({"export", "a.obs"}).has_value());
}

struct Bad {
  std::vector<std::string> arguments;
  std::string says;  // part of the message
};

TEST_CASE("bad command lines are refused with what is allowed") {
  const std::vector<Bad> table{
      {{}, "--workload NAME"},
      {{"--quiet"}, "no mode is given"},
      {{"--workload"}, "--workload"},
      {{"--workload="}, "no value"},
      {{"--workload", "contended-conter"}, "did you mean contended-counter?"},
      {{"--workload", "\x1b[2J"}, "\\x1b[2J"},
      {{"--workload", ""}, "there is none of that name"},
      {{"--workload", "contended-counter", "--system"}, "both --workload and --system"},
      {{"--workload", "contended-counter", "--pid", "1"}, "both --workload and --pid"},
      {{"--system", "--pid", "1"}, "both --pid and --system"},
      {{"--system", "--", "true"}, "both --system and -- COMMAND"},
      {{"--system", "--system"}, "more than once"},
      {{"--pid", "1", "--pid", "2"}, "more than once"},
      {{"--pid"}, "--pid"},
      {{"--pid", "0"}, "from 1 to 4194304"},
      {{"--pid", "-1"}, "from 1 to 4194304"},
      {{"--pid", "4194305"}, "from 1 to 4194304"},
      {{"--pid", "12x"}, "'12x'"},
      {{"--pid", ""}, "--pid"},
      {{"--pid", " 12"}, "' 12'"},
      {{"--pid", "0x10"}, "'0x10'"},
      {{"--pid", "99999999999999999999"}, "--pid"},
      {{"--system", "--duration", "3"}, "--duration"},
      {{"--system", "--duration", "0s"}, "1ms to 24 hours"},
      {{"--system", "--duration", "-3s"}, "--duration"},
      {{"--system", "--duration", "25h"}, "--duration"},
      {{"--system", "--duration", "9999999m"}, "too long"},
      {{"--system", "--duration", "3 s"}, "--duration"},
      {{"--system", "--duration", "nans"}, "--duration"},
      {{"--system", "--duration", "1e400s"}, "--duration"},
      {{"--system", "--buffer-mib", "0"}, "0.004 to 1024"},
      {{"--system", "--buffer-mib", "-1"}, "0.004 to 1024"},
      {{"--system", "--buffer-mib", "2000"}, "0.004 to 1024"},
      {{"--system", "--buffer-mib", "nan"}, "--buffer-mib"},
      {{"--system", "--buffer-mib", "inf"}, "--buffer-mib"},
      {{"--system", "--seed", "-1"}, "not negative"},
      {{"--system", "--seed", "18446744073709551616"}, "--seed"},
      {{"--system", "--seed", "1.5"}, "--seed"},
      {{"--system", "--color", "sometimes"}, "auto, always or never"},
      {{"--system", "--colour", "never"}, "did you mean --color?"},
      {{"--system", "--output", ""}, "file name without its ending"},
      {{"--system", "--output", "folder/"}, "file name without its ending"},
      {{"--system", "--output="}, "no value"},
      {{"--system", "--json", ""}, "- for standard output"},
      {{"--system", "--quiet=3"}, "takes no value"},
      {{"--system", "--quite"}, "did you mean --quiet?"},
      {{"--system", "-q"}, "no such option"},
      {{"--system", "--dur", "3s"}, "no such option"},
      {{"--system", "make"}, "stands behind --"},
      {{"--system", "--lock", "none"}, "no such option"},
      {{"--"}, "none is given behind --"},
      {{"--", ""}, "none is given behind --"},
      {{"make", "-j4"}, "stands behind --"},
      {{"lst"}, "did you mean list?"},
      {{"--workload", "contended-counter", "--lok", "none"}, "did you mean --lock?"},
      {{"--workload", "contended-counter", "--hog-ms", "3"}, "contended-counter has: --"},
      {{"--workload", "contended-counter", "--lock", "mutx"}, "did you mean mutex?"},
      {{"--workload", "contended-counter", "--lock"}, "--lock"},
      {{"--workload", "contended-counter", "--threads", "0"}, "1 to 512"},
      {{"--workload", "contended-counter", "--threads", "two"}, "--threads"},
      {{"--workload", "contended-counter", "--threads", "1000000"}, "1 to 512"},
      {{"--workload", "contended-counter", "--cpus", "0-"}, "--cpus"},
      {{"--workload", "contended-counter", "--cpus", "7"}, "7"},
      {{"--workload", "contended-counter", "--cpus", "1-0"}, "--cpus"},
      {{"--workload", "contended-counter", "--duration", "3"}, "--duration"},
      {{"--workload", "contended-counter", "--duration", "1s", "--ops", "3"}, "only one of them"},
      {{"--workload", "contended-counter", "extra"}, "'extra'"},
      {{"list", "extra"}, "'extra'"},
      {{"list", "--jsn"}, "did you mean --json?"},
      {{"explain"}, "no workload is given"},
      {{"explain", "nothing"}, "observe list"},
      {{"explain", "contended-counter", "more"}, "'more'"},
      {{"report"}, "no recording is given"},
      {{"report", ""}, "no recording is given"},
      {{"report", "a.obs", "b.obs"}, "'b.obs'"},
      {{"report", "a.obs", "--seed", "3"}, "no such option"},
      {{"doctor", "now"}, "'now'"},
  };
  for (const Bad& bad : table) {
    std::string line = "observe";
    for (const std::string& argument : bad.arguments) line += " '" + argument + "'";
    INFO(line);
    const Result<Invocation> result = parse(bad.arguments);
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().failure == Failure::kUsage);
    const std::string text = result.error().text();
    INFO(text);
    CHECK(contains(text, bad.says));
    CHECK(text::sanitise_lines(text) == text);
  }
}

}  // namespace observe::app
