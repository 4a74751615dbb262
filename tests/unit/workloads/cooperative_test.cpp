// Cooperative tasks: the circle, both back ends, and the workloads that use them.
#include <set>

#include "run_workload.h"
#include "workloads/frame/parameters.h"
#include "workloads/tasks/cooperative.h"

namespace observe::workloads {
namespace {

// The order in which tasks had their turns, and what was said at each switch.
struct Record {
  std::vector<std::uint32_t> turns;
  std::vector<std::string> switches;
};

Record record_of(TaskBackend backend, const std::vector<int>& turns_left) {
  Record record;
  std::vector<int> left = turns_left;
  const auto name = [](std::uint64_t task) {
    return task == kNoTask ? std::string("-") : std::to_string(task);
  };
  const TaskCalls calls{.turn =
                            [&](std::uint32_t task) {
                              if (left[task] == 0) return false;
                              --left[task];
                              record.turns.push_back(task);
                              return true;
                            },
                        .switched =
                            [&](std::uint64_t to, std::uint64_t from, TaskLeft how) {
                              record.switches.push_back(name(from) +
                                                        (how == TaskLeft::kFinished ? "!>" : ">") +
                                                        name(to));
                            }};
  REQUIRE(run_tasks(backend, static_cast<std::uint32_t>(left.size()), calls));
  return record;
}

}  // namespace

TEST_CASE("tasks take turns in a circle, as coroutines and as fibers, until all have finished") {
  for (const TaskBackend backend : {TaskBackend::kCoroutine, TaskBackend::kFiber}) {
    CAPTURE(backend == TaskBackend::kFiber);
    const Record record = record_of(backend, {2, 0, 3});
    CHECK(record.turns == std::vector<std::uint32_t>{0, 2, 0, 2, 2});
    CHECK(record.switches == std::vector<std::string>{"->0", "0>1", "1!>2", "2>0", "0>2", "2>0",
                                                      "0!>2", "2>2", "2!>-"});
  }
}

TEST_CASE("many fibers have a stack each, and a single task is its own neighbour") {
  for (const TaskBackend backend : {TaskBackend::kCoroutine, TaskBackend::kFiber}) {
    const Record many = record_of(backend, std::vector<int>(500, 3));
    CHECK(many.turns.size() == 1500);
    CHECK(std::set<std::uint32_t>(many.turns.begin(), many.turns.end()).size() == 500);
    CHECK(record_of(backend, {2}).switches ==
          std::vector<std::string>{"->0", "0>0", "0>0", "0!>-"});
  }
}

TEST_CASE("coop-tasks: every switch leaves a marker, and the markers follow from each other") {
  for (const char* backend : {"coroutine", "fiber"}) {
    const auto run = perform("coop-tasks", {"--ops", "50", "--backend", backend, "--tasks", "5"});
    CAPTURE(backend, run ? std::string() : run.error().text());
    REQUIRE(run);
    const auto& truth = run->results.truth;
    CHECK(run->dropped == 0);
    CHECK(integer(truth, "ops") == 250);
    // The last turn of each task finds nothing to do.
    CHECK(integer(truth, "task_switches") == 255);
    REQUIRE(run->markers.size() == 256);
    std::uint64_t current = kNoTask;
    for (const Marker& marker : run->markers) {
      CHECK((marker.b & kNoTask) == current);
      current = marker.a;
    }
    CHECK(current == kNoTask);
    CHECK(std::get<double>(truth.at("switch_ns")) > 1);
  }
}

TEST_CASE("coop-tasks ends when its time is over, whatever the tasks do") {
  const auto begin = std::chrono::steady_clock::now();
  const auto run = perform("coop-tasks", {"--duration", "50ms", "--tasks", "100"});
  REQUIRE(run);
  CHECK(integer(run->results.truth, "ops") > 10);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{5});
}

TEST_CASE("coop-hog does the same work in two ways, one after the other") {
  const auto run = perform("coop-hog", {"--duration", "200ms", "--hog-ms", "10", "--tasks", "3"});
  REQUIRE(run);
  REQUIRE(run->results.threads.size() == 4);
  CHECK(run->results.threads[0].role == "coop");
  CHECK(run->results.threads[1].role == "hog");
  CHECK(run->results.threads[3].role == "polite");
  Time last_task_switch;
  Time first_phase{std::chrono::hours{1'000'000}};
  std::size_t phases = 0;
  for (const Marker& marker : run->markers) {
    if (marker.kind == static_cast<std::uint16_t>(MarkerKind::kTaskSwitch)) {
      last_task_switch = std::max(last_task_switch, marker.at);
    } else {
      first_phase = std::min(first_phase, marker.at);
      ++phases;
    }
  }
  CHECK(phases == 3);
  CHECK(last_task_switch < first_phase);
  for (const auto& thread : run->results.threads) CHECK(integer(thread.truth, "ops") > 0);
}

TEST_CASE("coop-hog in one way only has the threads for that") {
  const auto tasks = perform("coop-hog", {"--duration", "60ms", "--hog-ms", "5", "--as", "tasks"});
  REQUIRE(tasks);
  CHECK(tasks->results.threads.size() == 1);
  const auto threads = perform("coop-hog", {"--duration", "60ms", "--as", "threads"});
  REQUIRE(threads);
  CHECK(threads->results.threads.size() == 4);
  CHECK_FALSE(threads->results.truth.contains("task_switches"));
}

TEST_CASE("yielders count their calls") {
  const auto run = perform("yielders", {"--ops", "200", "--threads", "3"});
  REQUIRE(run);
  CHECK(integer(run->results.truth, "yields") == 600);
  // For getrusage a yield is no voluntary switch.
  CHECK(integer(run->results.truth, "nivcsw") > 100);
}

TEST_CASE("a list of integers is read in its order, and bounded") {
  CHECK(*parse_integer_list("0,5") == std::vector<std::int64_t>{0, 5});
  CHECK(*parse_integer_list("-3,0,-3") == std::vector<std::int64_t>{-3, 0, -3});
  for (const char* text : {"", ",", "1,", ",1", "1;2", "1,x", "99999999999999999999"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_integer_list(text));
  }
  std::string long_list = "1";
  for (int i = 0; i < 100; ++i) long_list += ",1";
  CHECK_FALSE(parse_integer_list(long_list));
}

TEST_CASE("fair-shares gives each thread its nice value") {
  const auto run = perform("fair-shares", {"--duration", "50ms", "--nice-list", "0,7,3"});
  REQUIRE(run);
  REQUIRE(run->results.threads.size() == 3);
  CHECK(integer(run->results.threads[1].truth, "nice") == 7);
  CHECK_FALSE(std::get<bool>(run->results.truth.at("nice_refused")));
}

TEST_CASE("custom-slices tells the two phases apart, and what was granted") {
  const auto run = perform("custom-slices", {"--duration", "80ms"});
  REQUIRE(run);
  CHECK(run->markers.size() == 4);
  for (const auto& thread : run->results.threads) {
    const std::int64_t granted = integer(thread.truth, "second_granted_ns");
    CHECK((granted == 0 || granted == 5'500'000));
  }
}

TEST_CASE("a sleeper wakes beside its hogs, and soon ends") {
  const auto begin = std::chrono::steady_clock::now();
  const auto run =
      perform("sleeper", {"--duration", "100ms", "--hogs", "2", "--period-us", "2000"});
  REQUIRE(run);
  REQUIRE(run->results.threads.size() == 3);
  CHECK(integer(run->results.truth, "wakeups") > 3);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{5});
}

TEST_CASE("the yielder beside a spinner counts its yields") {
  const auto run = perform("yield-vs-spin", {"--duration", "100ms"});
  REQUIRE(run);
  CHECK(integer(run->results.truth, "yields") > 0);
  CHECK(run->results.threads[1].role == "spinner");
}

TEST_CASE("workloads of the cooperative world refuse what would not show it") {
  struct Case {
    const char* workload;
    std::vector<std::string> arguments;
    const char* says;
  };
  const Case cases[] = {
      {"coop-tasks", {"--threads", "2"}, "--tasks"},
      {"coop-hog", {"--threads", "2"}, "--tasks"},
      {"coop-tasks", {"--backend", "fibre"}, "did you mean fiber"},
      {"coop-hog", {"--hog-ms", "5000"}, "too much"},
      {"yielders", {"--threads", "1"}, "nobody to yield to"},
      {"fair-shares", {"--nice-list", "0"}, "nobody to share with"},
      {"fair-shares", {"--nice-list", "0,20"}, "too much"},
      {"fair-shares", {"--nice-list", "0,5", "--nice", "3"}, "--nice-list"},
      {"fair-shares", {"--policy", "idle"}, "other and batch"},
      {"fair-shares", {"--threads", "4"}, "2 threads"},
      {"sleeper", {"--threads", "7"}, "--hogs"},
      {"custom-slices", {"--slice-us", "3000"}, "--first-us"},
      {"custom-slices", {"--ops", "10"}, "--duration"},
      {"yield-vs-spin", {"--threads", "3"}, "yielders"},
  };
  for (const Case& c : cases) {
    const auto values = values_for(c.workload, c.arguments);
    REQUIRE_FALSE(values);
    CAPTURE(values.error().text());
    CHECK(values.error().text().find(c.says) != std::string::npos);
    CHECK(values.error().failure == Failure::kUsage);
  }
  Machine machine = read_machine();
  machine.online_cpus = machine.allowed_cpus = {Cpu{0}, Cpu{1}};
  CHECK_FALSE(values_for("yielders", {"--place", "free"}, machine));
  CHECK_FALSE(values_for("coop-hog", {"--place", "free"}, machine));
  CHECK(values_for("coop-hog", {"--place", "free", "--cpus", "1"}, machine));
}

}  // namespace observe::workloads
