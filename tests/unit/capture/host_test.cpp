#include "capture/host.h"

#include "support/catch.h"

namespace observe {

TEST_CASE("what was taken comes per CPU, by its number, in nanoseconds") {
  const TakenTime taken = parse_taken_time(
      "cpu  9 9 9 9 9 9 9 99 0 0\n"
      "cpu0 10 0 20 300 0 0 1 7 0 0\n"
      "cpu2 10 0 20 300 0 2 1 12 0 0\n"
      "intr 1 2 3\n",
      100);
  CHECK(taken.steal == std::vector<std::uint64_t>{70'000'000, 0, 120'000'000});
  CHECK(taken.interrupts == std::vector<std::uint64_t>{10'000'000, 0, 30'000'000});
}

TEST_CASE("a /proc/stat that makes no sense gives no steal time") {
  CHECK(parse_taken_time("", 100).steal.empty());
  CHECK(parse_taken_time("cpu0 1 2 3\n", 100).steal.empty());
  CHECK(parse_taken_time("cpu99999999999 1 2 3 4 5 6 7 8\n", 100).steal.empty());
  CHECK(parse_taken_time("cpu0 1 2 3 4 5 6 7 8\n", 0).steal.empty());
}

TEST_CASE("the tick rate is what the coarse clock shows") {
  CHECK(ticks_per_second(std::chrono::milliseconds{4}) == 250);
  CHECK(ticks_per_second(std::chrono::milliseconds{1}) == 1000);
  CHECK(ticks_per_second(std::chrono::milliseconds{10}) == 100);
  CHECK(ticks_per_second(Nanos{3'333'333}) == 300);
  CHECK(ticks_per_second(Nanos{976'562}) == 1024);
  // A coarse clock that is as fine as the fine one tells nothing of ticks.
  CHECK(ticks_per_second(Nanos{1}) == 0);
  CHECK(ticks_per_second(Nanos{0}) == 0);
}

TEST_CASE("the preemption model in force is found, the surest source first") {
  const std::string_view dynamic = "#1 SMP PREEMPT_DYNAMIC Debian";
  CHECK(preempt_model({.version = "#1 SMP PREEMPT_RT"}) == "rt");
  CHECK(preempt_model({.version = "#1 SMP", .realtime = "1\n"}) == "rt");
  CHECK(preempt_model({.version = dynamic,
                       .debugfs = "none voluntary full (lazy)\n",
                       .command_line = "preempt=full",
                       .config = "CONFIG_PREEMPT_NONE=y\n"}) == "lazy");
  CHECK(preempt_model({.version = dynamic,
                       .command_line = "quiet preempt=voluntary\n",
                       .config = "CONFIG_PREEMPT_NONE=y\n"}) == "voluntary");
  CHECK(preempt_model({.version = dynamic, .config = "CONFIG_PREEMPT_NONE=y\n"}) == "none");
  CHECK(preempt_model({.version = dynamic}) == "unknown");
  CHECK(preempt_model({.version = "#1 SMP PREEMPT Thu"}) == "full");
  CHECK(preempt_model({.version = "#1 SMP", .config = "CONFIG_PREEMPT_VOLUNTARY=y\n"}) ==
        "voluntary");
  CHECK(preempt_model({.version = "#1 SMP", .debugfs = ")("}) == "unknown");
}

TEST_CASE("of the boot options those that change scheduling are kept") {
  CHECK(scheduling_options("ro quiet isolcpus=1-3 nohz_full=1 mitigations=off sched_verbose "
                           "console=ttyS0 idle=poll preempt=full -- idle=nomwait\n") ==
        std::vector<std::string>{"isolcpus=1-3", "nohz_full=1", "mitigations=off", "sched_verbose",
                                 "idle=poll", "preempt=full"});
  CHECK(scheduling_options("").empty());
}

TEST_CASE("the base slice is read where the kernel shows it") {
  CHECK(parse_slice("prio : 120\nse.slice                 :              2800000\n") == 2'800'000);
  CHECK(parse_slice("prio : 120\n") == 0);
  CHECK(parse_slice("se.slice : -1\n") == 0);
}

TEST_CASE("the scheduler is named by the kernel's version, unless a BPF scheduler is loaded") {
  CHECK(scheduler_name("5.10.0-30-amd64", "", "") == "CFS");
  CHECK(scheduler_name("6.5.1", "", "") == "CFS");
  CHECK(scheduler_name("6.6", "", "") == "EEVDF");
  CHECK(scheduler_name("6.18.15-cloud", "disabled\n", "") == "EEVDF");
  CHECK(scheduler_name("7.0-rc1", "", "") == "EEVDF");
  CHECK(scheduler_name("6.12.1", "enabled\n", "scx_simple\n") == "sched_ext:scx_simple");
  CHECK(scheduler_name("next", "", "") == "unknown");
}

}  // namespace observe
