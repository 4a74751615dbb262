// Which threads were asked to be observed, and what they are called.
#include "support/catch.h"
#include "support/script.h"

namespace observe {

namespace {

const ThreadInfo& named(const Trace& trace, std::string_view name) {
  for (const ThreadInfo& thread : trace.threads().all()) {
    if (thread.name() == name) return thread;
  }
  FAIL("no thread is called " << name);
  throw std::logic_error("unreachable");
}

RunInfo run_of(RunKind kind, Tid root) {
  RunInfo run;
  run.kind = kind;
  run.root_process = Pid{raw(root)};
  run.observer_process = Pid{raw(F)};
  return run;
}

// A has a thread B; A forks C, which forks D. E belongs to nobody. F observes.
Script family() {
  Script script;
  script.name(A, "a").name(B, "b").name(C, "c").name(D, "d").name(E, "e").name(F, "f");
  script.process(B, A);
  script.has(A, running(cpu0)).has(B, sleeping(kFutex)).has(E, running(cpu1)).has(F, queued(cpu1));
  script.at(5us).forks_process(cpu0, A, C).at(6us).switches(cpu0, A, C);
  script.at(7us).forks_process(cpu0, C, D);
  return script;
}

}  // namespace

TEST_CASE("a command's targets are its process and all that descends from it") {
  const Trace trace = family().run(run_of(RunKind::kCommand, A)).build();
  for (const char* target : {"a", "b", "c", "d"}) CHECK(named(trace, target).target);
  for (const char* other : {"e", "f"}) CHECK_FALSE(named(trace, other).target);
}

TEST_CASE("a pid's targets are its threads, those to come too, but not its child processes") {
  const Tid late{200};
  const Trace trace = family()
                          .at(8us)
                          .switches(cpu0, C, A)
                          .at(9us)
                          .name(late, "late")
                          .forks_thread(cpu0, A, late)
                          .run(run_of(RunKind::kPid, A))
                          .build();
  for (const char* target : {"a", "b", "late"}) CHECK(named(trace, target).target);
  for (const char* other : {"c", "d", "e", "f"}) CHECK_FALSE(named(trace, other).target);
}

TEST_CASE("the whole system is everybody but the observer") {
  const Trace trace = family().run(run_of(RunKind::kSystem, F)).build();
  for (const char* target : {"a", "b", "c", "d", "e"}) CHECK(named(trace, target).target);
  CHECK_FALSE(named(trace, "f").target);
  CHECK(named(trace, "f").role == "observer");
}

TEST_CASE("children that were there before the window are targets too") {
  Script script;
  script.name(A, "a").name(B, "b").name(C, "c").child_of(C, B).child_of(B, A);
  script.has(C, sleeping(kRead)).has(B, sleeping(kRead)).has(A, running(cpu0));
  const Trace trace = script.at(5us).run(run_of(RunKind::kCommand, A)).build();
  for (const char* target : {"a", "b", "c"}) CHECK(named(trace, target).target);
}

TEST_CASE("a root process that the observer forks within the trace is a target, the observer not") {
  Script script;
  script.name(F, "f").name(A, "a").has(F, running(cpu0));
  const Trace trace =
      script.at(5us).forks_process(cpu0, F, A).run(run_of(RunKind::kCommand, A)).build();
  CHECK(named(trace, "a").target);
  CHECK_FALSE(named(trace, "f").target);
}

TEST_CASE("a later process with the root's number is not the root") {
  const Trace trace = family()
                          .at(10us)
                          .switches(cpu0, C, A)
                          .at(11us)
                          .switches(cpu0, A, idle, dies())
                          .at(12us)
                          .name(A, "stranger")
                          .forks_process(cpu1, E, A)
                          .run(run_of(RunKind::kCommand, A))
                          .build();
  CHECK(named(trace, "a").target);
  CHECK_FALSE(named(trace, "stranger").target);
}

TEST_CASE("roles are the workload's, coordinator, or the process's name") {
  WorkloadInfo workload;
  workload.threads.push_back({.tid = B, .role = "adder", .begin = Time{1us}, .end = Time{9us}});
  const Trace trace = family().run(run_of(RunKind::kWorkload, A)).workload(workload).build();
  CHECK(named(trace, "a").role == "coordinator");
  CHECK(named(trace, "b").role == "adder");
  CHECK(named(trace, "c").role == "c");
  CHECK(named(trace, "e").role == "e");
  CHECK(named(trace, "f").role == "observer");
}

TEST_CASE("of a command's process all threads have its leader's last name as their role") {
  const Trace trace = family()
                          .at(8us)
                          .switches(cpu0, C, A)
                          .at(9us)
                          .renames(cpu0, A, "renamed")
                          .run(run_of(RunKind::kCommand, A))
                          .build();
  CHECK(named(trace, "b").role == "renamed");
}

TEST_CASE("markers belong to the thread of their lane") {
  WorkloadInfo workload;
  workload.threads.push_back({.tid = A, .role = "adder", .begin = {}, .end = {}});
  workload.threads.push_back({.tid = B, .role = "adder", .begin = {}, .end = {}});
  const Trace trace = family()
                          .at(9us)
                          .marks(1, 1, 41, 42)
                          .marks(7, 1)
                          .run(run_of(RunKind::kWorkload, A))
                          .workload(workload)
                          .build();
  REQUIRE(trace.count<Marker>() == 2);
  CHECK(trace.threads()[trace.all<Marker>()[0].thread].tid == B);
  CHECK(trace.all<Marker>()[0].b == 42);
  CHECK(trace.all<Marker>()[1].thread == kNoThread);
}

}  // namespace observe
