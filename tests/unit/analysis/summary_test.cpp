// Noise, findings, notes and the summary as a whole.
#include "analysis/summarise.h"

#include "analysis/judges/judge.h"
#include "analysis/results.h"
#include "unit/analysis/story.h"

namespace observe {
namespace {

using report::Finding;
using report::FindingVerdict;

const Finding* find(const report::Summary& summary, std::string_view id) {
  const auto found = std::ranges::find(summary.findings, id, &Finding::id);
  return found == summary.findings.end() ? nullptr : &*found;
}
bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// A is observed, C is not; they share CPU 0 in turns of 10 us.
Script disturbed(Pid observer = Pid{}) {
  RunInfo run{.kind = RunKind::kPid,
              .name = "t101",
              .root_process = Pid{raw(A)},
              .observer_process = observer};
  Script script;
  script.run(run).name(C, "intruder").has(A, running(cpu0)).has(C, queued(cpu0));
  for (int i = 1; i < 10; ++i) {
    const bool from_a = i % 2 == 1;
    script.at(i * 10us).switches(cpu0, from_a ? A : C, from_a ? C : A);
  }
  script.at(100us);
  return script;
}

TEST_CASE("CPU time that others take from waiting observed threads is noise") {
  Script script = disturbed();
  const Story story(script);
  const Noise noise = measure_noise(story.facts());
  CHECK(noise.foreign_share == Approx(0.5));
  CHECK(noise.worst_foreigner == "intruder");
  CHECK(noise.worst_foreigner_time == 50us);
  REQUIRE_FALSE(noise.quiet());
  CHECK(holds(noise.causes[0], "intruder"));
}

TEST_CASE("the observer's own threads are shown, not counted as foreign") {
  Script script = disturbed(Pid{raw(C)});
  const Story story(script);
  const Noise noise = measure_noise(story.facts());
  CHECK(noise.foreign_share == 0);
  CHECK(noise.observer_share == Approx(0.5));
  CHECK(noise.quiet());
}

TEST_CASE("a foreigner that has the name of an observed thread is told by its process") {
  RunInfo run{.kind = RunKind::kPid, .root_process = Pid{raw(A)}};
  Script script;
  script.run(run).name(A, "intruder").name(C, "intruder");
  script.has(A, queued(cpu0)).has(C, running(cpu0)).at(50us).switches(cpu0, C, A).at(100us);
  const Story story(script);
  CHECK(measure_noise(story.facts()).worst_foreigner == "intruder of process 103");
}

TEST_CASE("foreigners of one name count together") {
  RunInfo run{.kind = RunKind::kPid, .root_process = Pid{raw(A)}};
  Script script;
  script.run(run).name(B, "single").name(C, "many").name(D, "many");
  script.has(B, running(cpu0)).has(C, queued(cpu0)).has(D, queued(cpu0)).has(A, queued(cpu0));
  script.at(30us).switches(cpu0, B, C).at(50us).switches(cpu0, C, D);
  script.at(70us).switches(cpu0, D, A).at(100us);
  const Noise noise = measure_noise(Story(script).facts());
  CHECK(noise.worst_foreigner == "many");
  CHECK(noise.worst_foreigner_time == 40us);
}

TEST_CASE("observed threads that share a CPU do not disturb themselves") {
  const Story story(
      Script{}.has(A, running(cpu0)).has(B, queued(cpu0)).at(10us).switches(cpu0, A, B).at(20us));
  CHECK(measure_noise(story.facts()).quiet());
}

TEST_CASE("stolen, throttled and lost time and a bad calibration are noise, each by name") {
  CaptureInfo capture{.complete = true};
  capture.before = {.at = Time{0us}, .steal_ns_by_cpu = {0, 0}};
  capture.after = {.at = Time{100us}, .steal_ns_by_cpu = {10'000, 90'000}, .throttled_ns = 5'000};
  WorkloadInfo workload{.name = "x", .phase_begin = Time{0us}, .phase_end = Time{100us}};
  workload.truth["calibration_error"] = 0.2;
  const Story story(Script{}
                        .capture(capture)
                        .workload(workload)
                        .has(A, running(cpu0))
                        .loses(cpu1, 1us, 2us, 4)
                        .at(100us));
  const Noise noise = measure_noise(story.facts());
  CHECK(noise.steal_share == Approx(0.1));  // of CPU 0, the only one used
  CHECK(noise.throttled_share == Approx(0.05));
  CHECK(noise.lost_events == 4);
  CHECK(noise.calibration_error == Approx(0.2));
  REQUIRE(noise.causes.size() == 4);
  CHECK(holds(noise.causes[0], "hypervisor"));
  CHECK(holds(noise.causes[1], "quota"));
  CHECK(holds(noise.causes[2], "4 events lost"));
  CHECK(holds(noise.causes[3], "calibrated"));
}

TEST_CASE("only the workload's phase counts as disturbed") {
  WorkloadInfo workload{.name = "x", .phase_begin = Time{50us}, .phase_end = Time{100us}};
  RunInfo run{.kind = RunKind::kWorkload, .name = "x", .root_process = Pid{raw(A)}};
  const Story story(Script{}
                        .run(run)
                        .workload(workload)
                        .has(A, queued(cpu0))
                        .has(C, running(cpu0))
                        .at(40us)
                        .migrates(A, cpu1, cpu0)
                        .at(50us)
                        .switches(cpu0, C, A)
                        .at(100us));
  const Noise noise = measure_noise(story.facts());
  CHECK(noise.foreign_share == 0);
  CHECK(noise.migrations == 0);
  CHECK(noise.quiet());
}

TEST_CASE("the verdict names what matters: waiting for each other, or for others") {
  const report::Summary each_other = summarise(Story(Script{}
                                                         .has(A, running(cpu0))
                                                         .has(B, queued(cpu0))
                                                         .at(50us)
                                                         .switches(cpu0, A, B)
                                                         .at(100us))
                                                   .facts());
  CHECK(each_other.findings[0].id == "verdict");
  CHECK(each_other.findings[0].verdict == FindingVerdict::kShown);
  CHECK(holds(each_other.findings[0].claim, "waited for a CPU for 50.0 %"));
  CHECK(holds(each_other.findings[0].claim, "for each other"));
  CHECK(holds(each_other.findings[0].claim, "2.00 of them wanted"));

  Script script = disturbed();
  const report::Summary others = summarise(Story(script).facts());
  CHECK(holds(others.findings[0].claim, "not observed held it"));
  REQUIRE(find(others, "others") != nullptr);
  CHECK(holds(find(others, "others")->evidence[0], "intruder"));
}

TEST_CASE("the verdict tells computing, sleeping and locking apart") {
  const auto verdict = [](Script& script) { return summarise(Story(script).facts()).findings[0]; };
  Script computing;
  computing.has(A, running(cpu0)).at(100us);
  CHECK(holds(verdict(computing).claim, "computed for 100.0 %"));

  Script asleep;
  asleep.has(A, running(cpu0)).at(10us).switches(cpu0, A, idle, blocks(kNanosleep)).at(100us);
  CHECK(holds(verdict(asleep).claim, "most of all in nanosleep (90.0 %"));

  Script idle_all_along;
  idle_all_along.has(A, sleeping(kNanosleep, cpu0)).has(B, running(cpu0)).at(100us);
  idle_all_along.run({.kind = RunKind::kPid, .root_process = Pid{raw(A)}});
  const std::string without_a_cpu = verdict(idle_all_along).claim;
  CHECK(holds(without_a_cpu, "slept all the time, most of all in nanosleep"));
  CHECK(holds(without_a_cpu, "none wanted a CPU"));

  Script locking;
  locking.has(A, running(cpu0)).at(10us).switches(cpu0, A, idle, blocks(kFutex)).at(100us);
  const Finding on_locks = verdict(locking);
  CHECK(on_locks.verdict == FindingVerdict::kConsistent);
  CHECK(holds(on_locks.claim, "(futex)"));

  Script unknown;
  unknown.has(A, running(cpu0)).loses(cpu0, 10us, 100us, 9).at(100us);
  CHECK(verdict(unknown).verdict == FindingVerdict::kCannotTell);

  Script nobody;
  nobody.run({.kind = RunKind::kPid, .root_process = Pid{9}}).has(A, running(cpu0)).at(100us);
  CHECK(verdict(nobody).verdict == FindingVerdict::kCannotTell);
}

TEST_CASE("a reason to block stands once on a thread, whatever it waited for") {
  Script script;
  script.has(A, running(cpu0)).at(10us).switches(cpu0, A, idle, blocks(kRead));
  script.at(20us).wakes(A, on(cpu0)).switches(cpu0, idle, A);
  script.at(30us).switches(cpu0, A, idle, blocks_uninterruptibly(kRead));
  script.at(50us).wakes(A, on(cpu0)).switches(cpu0, idle, A).at(60us);
  const report::Summary summary = summarise(Story(script).facts());
  REQUIRE(summary.threads.size() == 1);
  REQUIRE(summary.threads[0].blocked_by.size() == 1);
  CHECK(summary.threads[0].blocked_by[0].reason == "read");
  CHECK(summary.threads[0].blocked_by[0].time == 30us);
  CHECK(summary.threads[0].blocked_by[0].count == 2);
}

TEST_CASE("the worst wait comes with its moment and with who ran meanwhile") {
  const report::Summary summary = summarise(Story(Script{}
                                                      .name(A, "hog")
                                                      .has(A, running(cpu0))
                                                      .has(B, sleeping(kFutex, cpu0))
                                                      .at(10us)
                                                      .wakes(B, on(cpu0))
                                                      .at(40us)
                                                      .switches(cpu0, A, B)
                                                      .at(60us)
                                                      .switches(cpu0, B, A, blocks(kRead))
                                                      .at(100us))
                                                .facts());
  const Finding* const worst = find(summary, "worst-wait");
  REQUIRE(worst != nullptr);
  CHECK(holds(worst->claim, "30.0 µs: t102 (tid 102), woken, on CPU 0"));
  REQUIRE(worst->evidence.size() == 1);
  CHECK(holds(worst->evidence[0], "hog (tid 101) ran for 30.0 µs"));
  CHECK(worst->at == Nanos{40us});
  CHECK(summary.waits.max == 30us);
  CHECK(summary.worst_waiter == "t102");
}

TEST_CASE("losses are a finding with their place, and a note") {
  const report::Summary summary =
      summarise(Story(Script{}.has(A, running(cpu0)).loses(cpu0, 30us, 40us, 3).at(100us)).facts());
  const Finding* const lost = find(summary, "lost-events");
  REQUIRE(lost != nullptr);
  CHECK(holds(lost->claim, "3 events lost"));
  CHECK(lost->at == Nanos{30us});
  CHECK(summary.capture.lost == 3);
  REQUIRE(summary.capture.lost_intervals.size() == 1);
  CHECK(summary.capture.lost_intervals[0].from == 30us);
  REQUIRE_FALSE(summary.capture.notes.empty());
  CHECK(holds(summary.capture.notes[0], "3 events lost"));
}

TEST_CASE("yields and preemptions are told apart in a sentence") {
  const report::Summary summary = summarise(Story(Script{}
                                                      .has(A, running(cpu0))
                                                      .has(B, queued(cpu0))
                                                      .at(10us)
                                                      .switches(cpu0, A, B, yields())
                                                      .at(20us)
                                                      .switches(cpu0, B, A, preempted())
                                                      .at(30us)
                                                      .switches(cpu0, A, B, yields())
                                                      .at(40us)
                                                      .switches(cpu0, B, A, blocks(kRead))
                                                      .at(50us))
                                                .facts());
  const Finding* const causes = find(summary, "switch-causes");
  REQUIRE(causes != nullptr);
  CHECK(holds(causes->claim,
              "Of 4 switch-outs, 25.0 % took the CPU away, 50.0 % gave it up, and 25.0 %"));
  CHECK(holds(causes->evidence[0], "2 switch-outs in sched_yield"));
  CHECK(summary.totals.switches == 4);
  CHECK(summary.totals.yielded == 2);
}

TEST_CASE("roles and threads add up to the totals, observed threads first") {
  RunInfo run{.kind = RunKind::kPid, .name = "t101", .root_process = Pid{raw(A)}};
  Script script;
  script.run(run).process(B, A).has(C, running(cpu1)).has(A, running(cpu0)).has(B, queued(cpu0));
  script.has(D, sleeping(kRead, cpu0));
  script.at(60us).switches(cpu0, A, B).at(100us);
  const report::Summary summary = summarise(Story(script.with_last_seeds()).facts());
  REQUIRE(summary.threads.size() == 3);  // D is neither observed nor did it anything
  CHECK(summary.threads[0].tid == raw(A));
  CHECK(summary.threads[1].tid == raw(B));
  CHECK(summary.threads[2].tid == raw(C));
  CHECK_FALSE(summary.threads[2].target);
  CHECK(summary.totals.run == 100us);
  CHECK(summary.totals.wait == 100us);
  REQUIRE(summary.roles.size() == 1);
  CHECK(summary.roles[0].threads == 2);
  CHECK(summary.roles[0].lifetime == 200us);
  REQUIRE(summary.threads[0].kernel_account);
  CHECK(summary.threads[0].kernel_account->nivcsw == 1);
  CHECK(summary.threads[0].kernel_account->run == 60us);
  CHECK_FALSE(summary.threads[0].kernel_account->run_delay);
  REQUIRE(summary.cpus.size() == 2);
  CHECK(summary.cpus[0].utilisation.size() == kUtilisationParts);
  CHECK(summary.cpus[1].target_utilisation.front() == 0);
  CHECK(summary.run.kind == "pid");
  CHECK(summary.capture.by_kind.at("switch") == 1);
}

TEST_CASE("every imperfection becomes a note, a perfect trace has none") {
  const report::Summary clean = summarise(Story(Script{}.has(A, running(cpu0)).at(10us)).facts());
  CHECK(clean.capture.notes.empty());
  CaptureInfo capture{.complete = true, .recorder_note = "not scheduled real-time: refused"};
  capture.notes = {"the workload was slow to end"};
  capture.missed_probe_runs = 2;
  capture.markers_lost = 3;
  const report::Summary summary = summarise(Story(Script{}
                                                      .capture(capture)
                                                      .has(A, running(cpu0))
                                                      .at(5us)
                                                      .switches(cpu0, B, idle, dies())
                                                      .at(6us)
                                                      .wakeup(C, on(cpu0))
                                                      .at(10us)
                                                      .incomplete())
                                                .facts());
  const auto has_note = [&](std::string_view part) {
    return std::ranges::any_of(summary.capture.notes,
                               [&](const std::string& note) { return holds(note, part); });
  };
  CHECK(has_note("no closing part"));
  CHECK(has_note("2 probe runs"));
  CHECK(has_note("slow to end"));
  CHECK(has_note("3 workload markers"));
  // B had its last switch-out as it was met: nothing about it is incomplete.
  CHECK(has_note("1 thread that the kernel's task list did not show"));
  CHECK(has_note("1 switch-out contradicted"));
  CHECK(has_note("refused"));
  CHECK_FALSE(summary.capture.complete);
}

TEST_CASE("an empty trace still gives a summary") {
  const Trace trace = TraceBuilder().build();
  const Timelines timelines = build_timelines(trace);
  const report::Summary summary = summarise({trace, timelines});
  CHECK(summary.findings.size() >= 1);
  CHECK(summary.findings[0].verdict == FindingVerdict::kCannotTell);
  CHECK(summary.self_checks.size() == 8);
}

TEST_CASE("each judge is found by its workload's name, once") {
  for (const JudgeRow& row : judges()) {
    CHECK(std::ranges::count(judges(), row.workload, &JudgeRow::workload) == 1);
    CHECK(row.judge != nullptr);
  }
}

}  // namespace
}  // namespace observe
