#include "workloads/frame/parameters.h"

#include <limits>
#include <string>

#include "run_workload.h"
#include "workloads/frame/placement.h"

namespace observe::workloads {
namespace {

std::vector<Cpu> cpus(std::initializer_list<int> numbers) {
  std::vector<Cpu> list;
  for (const int number : numbers) list.push_back(Cpu{static_cast<std::uint16_t>(number)});
  return list;
}

// Four CPUs, of which one is offline and one is not ours.
Machine small_machine() {
  return {.online_cpus = cpus({0, 1, 3}),
          .allowed_cpus = cpus({0, 1}),
          .thread_limit = 100,
          .realtime_limit = 0,
          .nice_limit = 0};
}

std::string refusal(const std::vector<std::string>& arguments,
                    const Machine& machine = small_machine()) {
  const auto values = values_for("contended-counter", arguments, machine);
  REQUIRE_FALSE(values);
  return values.error().text();
}

bool contains(const std::string& text, const std::string& part) {
  INFO(text);
  INFO(part);
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("durations have units") {
  CHECK(parse_duration("500ms") == Nanos{500'000'000});
  CHECK(parse_duration("3s") == Nanos{3'000'000'000});
  CHECK(parse_duration("2m") == Nanos{120'000'000'000});
  CHECK(parse_duration("10us") == Nanos{10'000});
  CHECK(parse_duration("7ns") == Nanos{7});
  CHECK(parse_duration("1.5s") == Nanos{1'500'000'000});
  CHECK(parse_duration("0s") == Nanos{0});
}

TEST_CASE("nonsense is no duration") {
  for (const char* text : {"",      "s",
                           "ms",    "5",
                           "5 s",   " 5s",
                           "5s ",   "5x",
                           "5ss",   "-1s",
                           "1e3s",  "nans",
                           "infs",  "inf",
                           "0x10s", "1..5s",
                           "1,5s",  "99999999999999999999s",
                           "9e99s", "200000000000m",
                           "5S",    "٥s"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_duration(text));
  }
  CHECK(contains(parse_duration("500").error().reason, "has no unit: write 500ms or 500s"));
  CHECK(contains(parse_duration("-1s").error().reason, "negative"));
  CHECK(contains(parse_duration("99999999999999999999s").error().reason, "too long"));
}

TEST_CASE("integers are whole, decimal and in range") {
  CHECK(parse_integer("0") == 0);
  CHECK(parse_integer("-20") == -20);
  CHECK(parse_integer("9223372036854775807") == std::numeric_limits<std::int64_t>::max());
  for (const char* text : {"", " 1", "1 ", "+1", "1.0", "1e3", "0x10", "1k", "--1",
                           "9223372036854775808", "-9223372036854775809", "one", "1\n"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_integer(text));
  }
  CHECK(contains(parse_integer("9223372036854775808").error().reason, "too large"));
}

TEST_CASE("reals are finite") {
  CHECK(parse_real("0.25") == 0.25);
  CHECK(parse_real("-1e-3") == -0.001);
  for (const char* text : {"", "nan", "inf", "-inf", "1e999", "1,5", "0.5x", " 1"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_real(text));
  }
}

TEST_CASE("CPU lists have ranges, and come back sorted without doubles") {
  CHECK(parse_cpu_list("0") == cpus({0}));
  CHECK(parse_cpu_list("0-2,5") == cpus({0, 1, 2, 5}));
  CHECK(parse_cpu_list("5,0,1-2,1") == cpus({0, 1, 2, 5}));
  CHECK(cpu_list_text(cpus({0, 1, 2, 5})) == "0-2,5");
  CHECK(cpu_list_text(cpus({7})) == "7");
  for (const char* text : {"", ",", "0,", ",0", "a", "1-", "-1", "2-1", "0-1-2", "1.5", "65535",
                           "0-70000", "99999999999999999999", "0 1", "0x1", "all"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_cpu_list(text));
  }
  std::string huge;
  for (int i = 0; i < 5000; ++i) huge += "0-65534,";
  CHECK_FALSE(parse_cpu_list(huge + "0"));
}

TEST_CASE("policies name their priority where they need one") {
  CHECK(parse_policy("other")->policy == Policy::kOther);
  CHECK(parse_policy("fifo:10")->priority == 10);
  CHECK(parse_policy("rr:98")->policy == Policy::kRoundRobin);
  for (const char* text : {"", "fifo", "fifo:", "fifo:0", "fifo:99", "rr:-1", "fifo:1:2", "other:1",
                           "FIFO:1", "deadline", "rr:10ms"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_policy(text));
  }
}

TEST_CASE("values are what was given over what the workload has by default") {
  const auto values = values_for("contended-counter", {"--threads=3", "--lock", "mutex"});
  REQUIRE(values);
  CHECK(values->integer("threads") == 3);
  CHECK(values->text("lock") == "mutex");
  CHECK(values->text("place") == "one");
  CHECK(values->duration("duration") == std::chrono::seconds{1});
  CHECK_FALSE(values->flag("jitter"));
  CHECK_FALSE(values->has("ops"));
  CHECK(values->cpus("cpus") == read_machine().allowed_cpus);
}

TEST_CASE(
    "the option --ops takes the place of the default duration, not of one that was asked for") {
  const auto values = values_for("contended-counter", {"--ops", "10"});
  REQUIRE(values);
  CHECK_FALSE(values->has("duration"));
  CHECK(contains(refusal({"--ops", "10", "--duration", "1s"}), "only one of them"));
}

TEST_CASE("bad options are refused with the reason") {
  struct Case {
    std::vector<std::string> arguments;
    const char* says;
  };
  const Case cases[] = {
      {{"--thread", "2"}, "did you mean --threads?"},
      {{"--frobnicate", "2"}, "contended-counter has: --lock, --window"},
      {{"--threads"}, "its value is missing"},
      {{"threads", "2"}, "options begin with --"},
      {{"--"}, "options begin with --"},
      {{"--threads", "0"}, "0 is too little; it goes from 1 to 512"},
      {{"--threads", "513"}, "too much"},
      {{"--threads", "two"}, "'two' is not a whole number"},
      {{"--threads", "2", "--threads", "3"}, "given twice"},
      {{"--threads", "95"}, "do not fit into the limit of 100"},
      {{"--duration", "1us"}, "too little"},
      {{"--duration", "2"}, "has no unit"},
      {{"--lock", "mutxe"}, "did you mean mutex?"},
      {{"--jitter=maybe"}, "on or off"},
      {{"--cpus", "3-1"}, "runs backwards"},
      {{"--cpus", "2"}, "CPU 2 is not online here"},
      {{"--cpus", "0,3"}, "CPU 3 is not allowed for this process"},
      {{"--place", "spread", "--threads", "3"}, "3 threads, but 2 CPUs"},
      {{"--place", "everywhere"}, "free, one, spread"},
      {{"--policy", "fifo:10"}, "CAP_SYS_NICE is missing"},
      {{"--nice", "-5"}, "-5 is not permitted"},
      {{"--nice", "20"}, "too much"},
      {{"--policy", "idle", "--slice-us", "1000"}, "other and batch only"},
      {{"--slice-us", "99"}, "too little"},
  };
  for (const Case& c : cases) CHECK(contains(refusal(c.arguments), c.says));
}

TEST_CASE("hostile text does not reach the terminal in a message") {
  const std::string message =
      refusal({"--\x1b[2Jboom", "1"}) + refusal({"--threads", "\x1b]0;x\a"});
  for (const char c : message) CHECK(c != '\x1b');
  CHECK(refusal({"--" + std::string(100'000, 'x'), "1"}).size() < 2000);
}

TEST_CASE("real-time threads may not hold a CPU for a second") {
  Machine machine = small_machine();
  machine.realtime_limit = 99;
  CHECK(contains(refusal({"--policy", "fifo:10"}, machine), "900 ms is the most"));
  CHECK(
      contains(refusal({"--policy", "rr:10", "--duration", "500ms", "--warmup", "500ms"}, machine),
               "900 ms is the most"));
  CHECK(contains(refusal({"--policy", "rr:10", "--duration", "500ms", "--nice", "3"}, machine),
                 "means nothing"));
  CHECK(values_for("contended-counter", {"--policy", "fifo:10", "--duration", "800ms"}, machine));
}

TEST_CASE("a machine without a CPU of ours is said so") {
  Machine machine = small_machine();
  machine.allowed_cpus.clear();
  const auto values = values_for("contended-counter", {}, machine);
  REQUIRE_FALSE(values);
  CHECK(values.error().failure == Failure::kNotAllowed);
}

TEST_CASE("this machine has CPUs, all of them online") {
  const Machine machine = read_machine();
  CHECK_FALSE(machine.allowed_cpus.empty());
  CHECK(std::ranges::includes(machine.online_cpus, machine.allowed_cpus));
}

}  // namespace observe::workloads
