// Programs that were not written here, observed: what they are known to do is what must be seen.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <fmt/ranges.h>

#include "observed.h"
#include "support/catch.h"
#include "support/skip.h"

using namespace observe::testing;

#define NEED_LIVE() OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live())
#define NEED_PROGRAM(name) OBSERVE_SKIP_UNLESS(has_program(name), name " is not installed")

namespace {

void require_promises(const Observed& observed, int status = 0) {
  CAPTURE(observed.messages);
  REQUIRE(observed.status == status);
  CHECK(fmt::format("{}", fmt::join(broken_promises(observed), "\n")).empty());
  // The kernel adds up a process's counters when it is reaped. That may come before the last switch
  // of a thread, the one in which it dies: one switch per thread may be missing there, none here.
  const std::uint64_t seen = observed.all_switches();
  CHECK(observed.rusage_switches <= seen);
  CHECK(observed.rusage_switches + observed.switches("exited") >= seen);
}

std::uint64_t named(const Observed& observed, const std::string& name, const std::string& kind) {
  std::uint64_t sum = 0;
  for (const nlohmann::json& thread : observed.summary.at("threads")) {
    if (thread.at("target").get<bool>() && thread.at("name").get<std::string>().starts_with(name)) {
      sum += thread.at("switches").at(kind).get<std::uint64_t>();
    }
  }
  return sum;
}

}  // namespace

TEST_CASE("stress-ng: who yields and who is preempted are told apart") {
  NEED_LIVE();
  NEED_PROGRAM("stress-ng");
  const ScratchFolder folder;
  const Observed observed =
      observe_command(folder, {"stress-ng", "--quiet", "--yield", "2", "--cpu", "2", "-t", "1s"});
  require_promises(observed);
  const std::uint64_t yielder_yields = named(observed, "stress-ng-yield", "yielded");
  CHECK(yielder_yields > 100);
  CHECK(yielder_yields > named(observed, "stress-ng-yield", "blocked"));
  // Some versions of its CPU workers yield once or twice as they begin and end.
  CHECK(named(observed, "stress-ng-cpu", "yielded") * 100 < yielder_yields);
  CHECK(named(observed, "stress-ng-cpu", "preempted") >
        named(observed, "stress-ng-cpu", "blocked"));
}

TEST_CASE("hackbench: hundreds of short-lived processes are all accounted for") {
  NEED_LIVE();
  NEED_PROGRAM("hackbench");
  const ScratchFolder folder;
  const Observed observed = observe_command(folder, {"hackbench", "-g", "2", "-l", "200"});
  require_promises(observed);
  CHECK(observed.summary.at("threads").size() >= 80);
  CHECK(observed.switches("blocked") > 0);
  CHECK(observed.switches("yielded") == 0);
}

TEST_CASE("python: threads that take turns at the interpreter lock block on a futex") {
  NEED_LIVE();
  NEED_PROGRAM("python3");
  const ScratchFolder folder;
  folder.write("turns.py", R"(import threading, time
def work():
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        sum(range(1000))
threads = [threading.Thread(target=work) for _ in range(4)]
for t in threads: t.start()
for t in threads: t.join()
)");
  const Observed observed = observe_command(folder, {"python3", folder.file("turns.py")});
  require_promises(observed);
  std::uint64_t futex = 0;
  for (const nlohmann::json& thread : observed.summary.at("threads")) {
    for (const nlohmann::json& by : thread.at("blocked_by")) {
      if (by.at("reason") == "futex") futex += by.at("count").get<std::uint64_t>();
    }
  }
  CHECK(futex >= 4);
  CHECK(observed.switches("yielded") == 0);
}

TEST_CASE("make -j4: a tree of compilers, each with its own fork, exec and exit") {
  NEED_LIVE();
  NEED_PROGRAM("make");
  const ScratchFolder folder;
  std::string objects;
  for (int i = 0; i < 12; ++i) {
    const std::string name = fmt::format("part{}", i);
    folder.write(name + ".c", fmt::format("#include <stdio.h>\nint {}(int x) {{ return printf(\"%d"
                                          "\", x + {}); }}\n",
                                          name, i));
    objects += " " + name + ".o";
  }
  folder.write("main.c", "int part0(int); int main(void) { return part0(1) < 0; }\n");
  folder.write("Makefile", "program: main.o" + objects + "\n\tcc -o $@ $^\n");
  const Observed observed =
      observe_command(folder, {"make", "--silent", "-j4", "-C", folder.path()});
  require_promises(observed);
  // make, and for each of 14 commands the driver and what it starts.
  CHECK(observed.summary.at("threads").size() >= 30);
}

TEST_CASE("perf bench sched pipe: two processes that do nothing but wait for each other") {
  NEED_LIVE();
  // Not in every archive that serves tests, so absence is shown but is no failure.
  if (!has_program("perf")) {
    WARN("perf is not installed");
    return;
  }
  const ScratchFolder folder;
  const Observed observed =
      observe_command(folder, {"perf", "bench", "sched", "pipe", "-l", "5000"});
  require_promises(observed);
  CHECK(observed.switches("blocked") >= 5000);
  CHECK(observed.switches("blocked") > observed.switches("preempted"));
  CHECK(observed.switches("yielded") == 0);
}

TEST_CASE("the status of a command is the status of observe") {
  NEED_LIVE();
  const ScratchFolder folder;
  const Observed observed = observe_command(folder, {"sh", "-c", "exit 7"});
  require_promises(observed, 7);
  CHECK(observed.summary.at("run").at("exit_status") == 7);
}

TEST_CASE("two observers at once both see everything") {
  NEED_LIVE();
  const ScratchFolder first;
  const ScratchFolder second;
  Observed other;
  std::thread beside([&] { other = observe_command(second, {"sh", "-c", "sleep 0.5; exit 3"}); });
  const Observed observed = observe_command(first, {"sh", "-c", "sleep 0.4"});
  beside.join();
  require_promises(observed);
  require_promises(other, 3);
}

TEST_CASE("a hundred observers leave no program in the kernel") {
  NEED_LIVE();
  const ScratchFolder folder;
  const std::vector<std::uint32_t> before = bpf_programs();
  for (int i = 0; i < 100; ++i) {
    const Observed observed = run_observe(folder, {"--quiet", "--", "true"});
    CAPTURE(i, observed.messages);
    REQUIRE(observed.status == 0);
    std::filesystem::remove(folder.file("recording.obs"));
  }
  // The kernel frees a program after a grace period, and in a work queue.
  std::vector<std::uint32_t> left;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
  do {
    left.clear();
    std::ranges::set_difference(bpf_programs(), before, std::back_inserter(left));
    if (left.empty()) break;
    std::this_thread::sleep_for(std::chrono::milliseconds{100});
  } while (std::chrono::steady_clock::now() < deadline);
  CHECK(left.empty());
}
