// The self-checks: they pass when the numbers agree, and only then.
#include "analysis/self_checks.h"

#include "unit/analysis/story.h"

namespace observe {
namespace {

report::SelfCheck counts(const Story& story) {
  return check_switch_counts(story.facts(), walk_counters(story.facts()));
}
report::SelfCheck kinds(const Story& story) {
  return check_switch_kinds(story.facts(), walk_counters(story.facts()));
}

Script alternating() {
  Script script;
  script.has(A, running(cpu0)).has(B, queued(cpu0));
  script.at(10us).switches(cpu0, A, B, preempted());
  script.at(20us).switches(cpu0, B, A, blocks(kFutex));
  script.at(30us).wakes(B, on(cpu0));
  script.at(40us).switches(cpu0, A, B, yields());
  script.at(50us);
  return script;
}

TEST_CASE("switches are compared with the kernel's counters, thread by thread") {
  Script script = alternating();
  const Story story(script.with_last_seeds());
  CHECK(counts(story).checked == 2);
  CHECK(counts(story).exact == 2);
  CHECK(counts(story).passed);
  CHECK(kinds(story).checked == 3);
  CHECK(kinds(story).exact == 3);
  CHECK(kinds(story).passed);
}

TEST_CASE("a switch that the kernel counted and nobody saw fails the check") {
  Script script = alternating();
  ThreadSeed last = running(cpu0);
  last.nivcsw = 3;
  const Story story(script.ends(A, last));
  const report::SelfCheck check = counts(story);
  CHECK(check.checked == 1);
  CHECK(check.exact == 0);
  CHECK(check.worst == 1);
  CHECK_FALSE(check.passed);
  CHECK(check.detail.find("without two readings") != std::string::npos);
}

TEST_CASE("the same difference is excused, and said, when events were lost") {
  Script script = alternating();
  ThreadSeed last = running(cpu0);
  last.nivcsw = 3;
  const Story story(script.ends(A, last).loses(cpu1, 10us, 20us, 1));
  const report::SelfCheck check = counts(story);
  CHECK(check.exact == 0);
  CHECK(check.passed);
  CHECK(check.detail.find("lost") != std::string::npos);
}

TEST_CASE("a loss excuses no more switches than it lost") {
  Script script = alternating();
  ThreadSeed last = running(cpu0);
  last.nivcsw = 9;
  const Story story(script.ends(A, last).loses(cpu1, 10us, 20us, 1));
  CHECK_FALSE(counts(story).passed);
}

TEST_CASE("more switches than the kernel counted fail the check, loss or not") {
  Script script = alternating();
  ThreadSeed last = running(cpu0);
  last.nivcsw = 1;  // the second is beyond this reading: it is not counted, by its own counter
  CHECK(counts(Story(script.ends(A, last))).passed);

  Script twice;
  twice.has(A, running(cpu0)).at(10us).switches(cpu0, A, B, preempted().counts(0, 1));
  twice.at(20us).switches(cpu0, A, B, preempted().counts(0, 1)).at(30us);
  last.nivcsw = 1;
  const Story story(twice.ends(A, last).loses(cpu1, 1us, 2us, 1));
  CHECK_FALSE(counts(story).passed);
  CHECK_FALSE(kinds(story).passed);
}

TEST_CASE("what lies between two readings is decided by the counters, not by the clock") {
  ThreadSeed first = running(cpu0);
  first.nvcsw = 70'000;  // beyond 16 bits
  first.nivcsw = 5;
  Script script;
  script.window(100us, 200us).has(A, first);
  // Recorded while the probes were attached, before the seed was read.
  script.at(10us).switches(cpu0, A, idle, blocks(kRead).counts(69'999 & 0xffff, 5));
  script.at(20us).wakes(A, on(cpu0)).switches(cpu0, idle, A);
  script.at(30us).switches(cpu0, A, idle, blocks(kRead).counts(70'000 & 0xffff, 5));
  script.at(40us).wakes(A, on(cpu0)).switches(cpu0, idle, A);
  script.at(150us).switches(cpu0, A, idle, blocks(kRead).counts(70'001 & 0xffff, 5));
  ThreadSeed last = sleeping(kRead, cpu0);
  last.nvcsw = 70'001;
  last.nivcsw = 5;
  script.at(200us).ends(A, last);
  const Story story(script);
  const report::SelfCheck check = counts(story);
  CHECK(check.checked == 1);
  CHECK(check.exact == 1);
  CHECK(kinds(story).passed);
}

TEST_CASE("a seed torn while it was read is left out, and said") {
  ThreadSeed first = running(cpu0);
  first.torn = true;
  const Story story(Script{}
                        .has(A, first)
                        .at(10us)
                        .switches(cpu0, A, idle, blocks(kRead))
                        .at(20us)
                        .with_last_seeds());
  const report::SelfCheck check = counts(story);
  CHECK(check.checked == 0);
  CHECK(check.passed);
  CHECK(check.detail.find("1 thread left out") != std::string::npos);
}

TEST_CASE("a thread born and dead within the trace is checked by the account at its death") {
  Script script;
  script.has(A, running(cpu0));
  script.at(10us).forks_thread(cpu0, A, B);
  script.at(11us).wakes_new(B, on(cpu1).recorded_on(cpu0));
  script.at(12us).switches(cpu1, idle, B);
  script.at(20us).switches(cpu1, B, idle, blocks(kRead));
  script.at(30us).wakes(B, on(cpu1)).switches(cpu1, idle, B);
  script.at(40us).switches(cpu1, B, idle, dies()).accounts(cpu1, B, 18us, 0);
  script.at(50us);
  const Story story(script);
  const report::SelfCheck check = counts(story);
  CHECK(check.checked == 1);
  CHECK(check.exact == 1);
  const report::SelfCheck run = check_run_time(story.facts());
  CHECK(run.checked == 1);
  CHECK(run.passed);
  CHECK(run_between_readings(story.facts())[raw(story.ref(B))] == 18us);
}

TEST_CASE("a switch counted as the other kind fails the kinds, not the counts") {
  Script script;
  script.has(A, running(cpu0)).has(B, queued(cpu0));
  script.at(10us).switches(cpu0, A, B, preempted().counts(1, 0));  // in nvcsw
  script.at(20us).switches(cpu0, B, A, blocks(kRead)).at(30us);
  const Story story(script.with_last_seeds());
  CHECK(counts(story).passed);
  CHECK_FALSE(kinds(story).passed);
  CHECK(kinds(story).worst == 1);
}

TEST_CASE("run time agrees with the kernel's up to a tick for a thread that is running") {
  const auto check = [](std::uint64_t kernel_ns, bool on_cpu, int hz) {
    HostInfo host{.hz = hz};
    ThreadSeed last = on_cpu ? running(cpu0) : sleeping(kRead, cpu0);
    last.run_ns = kernel_ns;
    last.nvcsw = on_cpu ? 0 : 1;
    Script script;
    script.host(host).has(A, running(cpu0));
    if (!on_cpu) script.at(100ms).switches(cpu0, A, idle, blocks(kRead));
    script.at(100ms).ends(A, last);
    return check_run_time(Story(script).facts());
  };
  CHECK(check(100'000'000, false, 250).passed);
  CHECK(check(100'000'000, false, 250).exact == 1);
  CHECK(check(93'000'000, true, 250).passed);
  // The kernel saw more than the events: never right.
  const report::SelfCheck more = check(120'000'000, false, 250);
  CHECK_FALSE(more.passed);
  CHECK(more.promised);
  // It may leave out interrupts and stolen time: shown, not failed.
  const report::SelfCheck less = check(80'000'000, false, 250);
  CHECK_FALSE(less.passed);
  CHECK_FALSE(less.promised);
}

TEST_CASE("more running than the kernel's is excused as far as something was taken, no further") {
  const auto check = [](std::uint64_t kernel_ns, std::uint64_t interrupts, std::uint64_t steal) {
    CaptureInfo capture;
    capture.before = {.steal_ns_by_cpu = {0}, .interrupt_ns_by_cpu = {0}};
    capture.after = {.steal_ns_by_cpu = {steal}, .interrupt_ns_by_cpu = {interrupts}};
    ThreadSeed last = sleeping(kRead, cpu0);
    last.run_ns = kernel_ns;
    last.nvcsw = 1;
    Script script;
    script.capture(capture).has(A, running(cpu0));
    script.at(100ms).switches(cpu0, A, idle, blocks(kRead)).at(100ms).ends(A, last);
    return check_run_time(Story(script).facts());
  };
  const report::SelfCheck unexplained = check(50'000'000, 0, 0);
  CHECK_FALSE(unexplained.passed);
  CHECK(unexplained.promised);
  for (const report::SelfCheck& explained :
       {check(50'000'000, 40'000'000, 0), check(50'000'000, 0, 40'000'000)}) {
    CHECK_FALSE(explained.passed);
    CHECK_FALSE(explained.promised);
  }
}

TEST_CASE("a thread displaced at a wake-up may be charged less, by the way to the switch") {
  const auto check = [](Nanos wake) {
    CaptureInfo capture;
    capture.before = {.steal_ns_by_cpu = {0}, .interrupt_ns_by_cpu = {0}};
    capture.after = capture.before;
    HostInfo host{.hz = 100};
    ThreadSeed last = queued(cpu0);
    last.run_ns = 70'000'000;
    last.nivcsw = 1;
    Script script;
    script.capture(capture).host(host).has(A, running(cpu0)).has(B, sleeping(kFutex, cpu0));
    script.at(wake).wakes(B, on(cpu0));
    script.at(100ms).switches(cpu0, A, B, preempted()).at(101ms).ends(A, last);
    return check_run_time(Story(script).facts());
  };
  // 30 ms more than the kernel's: a tick of displacement, the ticks of /proc/stat, the slack for a
  // reading while running and a percent explain 31.7 ms, and without the displacement only 21.7.
  CHECK_FALSE(check(85ms).promised);
  CHECK(check(100ms).promised);
}

TEST_CASE("unknown time explains a larger account of the kernel, never a smaller one") {
  const auto check = [](std::uint64_t kernel_ns) {
    CaptureInfo capture;
    capture.before = {.steal_ns_by_cpu = {0}, .interrupt_ns_by_cpu = {0}};
    capture.after = capture.before;
    ThreadSeed last = sleeping(kRead, cpu0);
    last.run_ns = kernel_ns;
    last.nvcsw = 2;
    Script script;
    script.capture(capture).has(A, running(cpu0)).has(B, running(cpu1));
    script.at(50ms).switches(cpu0, A, idle, blocks(kRead)).at(90ms);
    // Its switch-in is missing: it is known to have run only as it leaves.
    script.switches(cpu0, A, idle, blocks(kRead)).at(100ms).ends(A, last);
    return check_run_time(Story(script).facts());
  };
  CHECK(check(80'000'000).passed);
  CHECK_FALSE(check(20'000'000).passed);
  CHECK(check(20'000'000).promised);
}

TEST_CASE("run time that an unrecorded switch-in hides is within what is unknown") {
  ThreadSeed last = sleeping(kRead, cpu0);
  last.run_ns = 60'000'000;
  last.nvcsw = 1;
  Script script;
  // B's switch-out to A is missing: that A ran is known only from its own switch-out.
  script.has(A, queued(cpu0)).has(B, running(cpu0));
  script.at(90ms).switches(cpu0, A, idle, blocks(kRead)).at(100ms).ends(A, last);
  const Story story(script);
  CHECK(story.quality().switch_mismatches == 1);
  const report::SelfCheck check = check_run_time(story.facts());
  CHECK(check.checked == 1);
  CHECK(check.exact == 0);
  CHECK(check.passed);
}

TEST_CASE("waits are compared with run_delay, which the kernel does not promise") {
  ThreadSeed first = queued(cpu0);
  ThreadSeed last = running(cpu0);
  last.run_delay_ns = 50'000;
  const Story story(Script{}
                        .has(A, running(cpu0))
                        .has(B, first)
                        .at(50us)
                        .switches(cpu0, A, B)
                        .at(100us)
                        .ends(B, last));
  const report::SelfCheck check = check_run_delay(story.facts());
  CHECK(check.checked == 1);
  CHECK(check.exact == 1);
  CHECK(check.passed);
  CHECK_FALSE(check.promised);
}

TEST_CASE("every lost event must have its place in time") {
  const Story story(Script{}.has(A, running(cpu0)).loses(cpu0, 1us, 5us, 3).at(10us));
  const report::SelfCheck check = check_loss_placed(story.facts());
  CHECK(check.checked == 3);
  CHECK(check.exact == 3);
  CHECK(check.passed);
}

TEST_CASE("a check without anything to check does not apply, and says so") {
  const auto checks = [](const Story& story) {
    return self_checks(story.facts(), account_threads(story.facts()));
  };
  // Nothing has a second reading of the kernel's counters, and nothing was lost.
  Script unread = alternating();
  Script read = alternating();
  read.with_last_seeds();
  for (const report::SelfCheck& check : checks(Story(unread))) {
    INFO(check.name);
    CHECK(check.applicable == (check.checked > 0 || check.name.starts_with("lost events")));
    CHECK(check.applicable == (check.detail.find("nothing to check") == std::string::npos));
  }
  for (const report::SelfCheck& check : checks(Story(read))) {
    if (check.promised) CHECK(check.applicable);
  }
  // A window without length: not even that nothing was lost.
  Script empty;
  for (const report::SelfCheck& check : checks(Story(empty))) CHECK_FALSE(check.applicable);
}

TEST_CASE("states that do not add up, and two threads on one CPU, are found") {
  const Story story(Script{}.has(A, running(cpu0)).has(B, running(cpu1)).at(10us));
  Timelines broken = build_timelines(story.trace());
  const Facts facts{story.trace(), broken};
  CHECK(check_state_sums(facts, account_threads(facts)).passed);
  CHECK(check_one_per_cpu(facts).passed);
  broken.threads[1].intervals[0].cpu = cpu0;
  CHECK_FALSE(check_one_per_cpu(facts).passed);
  CHECK(check_one_per_cpu(facts).worst == 10'000);
  broken.threads[0].intervals[0].end -= 1ns;
  const report::SelfCheck sums = check_state_sums(facts, account_threads(facts));
  CHECK_FALSE(sums.passed);
  CHECK(sums.exact == 1);
  CHECK(sums.worst == 1);
}

TEST_CASE("the switches of each CPU chain") {
  const Story whole(alternating().build());
  const report::SelfCheck good = check_switch_chain(whole.facts());
  CHECK(good.checked == 2);
  CHECK(good.exact == 2);
  CHECK(good.passed);
}

TEST_CASE("a missing switch of observed threads fails the chain, though nothing was counted lost") {
  Script script;
  script.run({.kind = RunKind::kPid, .name = "t", .root_process = Pid{raw(A)}});
  script.has(A, running(cpu0)).has(B, queued(cpu0));
  script.at(10us).switches(cpu0, A, B, preempted());
  script.at(30us).switches(cpu0, A, C, preempted()).at(40us);  // B to A is missing
  const report::SelfCheck check = check_switch_chain(Story(script).facts());
  CHECK(check.checked == 1);
  CHECK(check.exact == 0);
  CHECK(check.worst == Approx(0.02));
  CHECK_FALSE(check.passed);
  CHECK(check.promised);
}

TEST_CASE("a missing switch beside a thread that the kernel hides is excused, and said") {
  Script script;
  script.run({.kind = RunKind::kPid, .name = "t", .root_process = Pid{raw(A)}});
  script.has(A, running(cpu0));
  script.at(10us).switches(cpu0, A, D, preempted());                // D was never seeded
  script.at(30us).switches(cpu0, A, idle, blocks(kRead)).at(40us);  // D to A is missing
  const report::SelfCheck check = check_switch_chain(Story(script).facts());
  CHECK_FALSE(check.passed);
  CHECK(check.excused);
  CHECK(check.detail.find("hides from its task list") != std::string::npos);
}

TEST_CASE("a missing switch of others is excused, and said") {
  Script script;
  script.run({.kind = RunKind::kPid, .name = "t", .root_process = Pid{raw(A)}});
  script.has(A, sleeping(kRead)).has(B, running(cpu0)).has(C, queued(cpu0));
  script.at(10us).switches(cpu0, B, C, preempted());
  script.at(30us).switches(cpu0, idle, B).at(40us);  // C to idle is missing
  const report::SelfCheck check = check_switch_chain(Story(script).facts());
  CHECK_FALSE(check.passed);
  CHECK_FALSE(check.promised);
  CHECK(check.excused);
  CHECK(check.detail.find("0 switches of observed threads and 1 of others") != std::string::npos);
}

TEST_CASE("a gap explains a broken chain of its own CPU only") {
  const auto chain = [](Cpu where) {
    Script script;
    script.has(A, running(cpu0)).has(B, queued(cpu0));
    script.at(10us).switches(cpu0, A, B, preempted());
    script.at(30us).switches(cpu0, A, C, preempted()).at(40us);
    script.loses(where, 15us, 20us, 1);
    return check_switch_chain(Story(script).facts());
  };
  CHECK(chain(cpu0).checked == 0);
  CHECK(chain(cpu0).passed);
  CHECK(chain(cpu1).checked == 1);
  CHECK(chain(cpu1).excused);  // a loss is known: not promised, and not passed
}

TEST_CASE("the agreement with the kernel is the checks' own numbers") {
  const Story story(alternating().with_last_seeds());
  const auto checks = self_checks(story.facts(), account_threads(story.facts()));
  const report::KernelAgreement agreement = kernel_agreement(checks);
  CHECK(agreement.threads == 2);
  CHECK(agreement.worst_switches == 0);
}

}  // namespace
}  // namespace observe
