// Who a tid is: reuse, fork, exec by another thread than the leader, unknown origins, names.
#include "support/catch.h"
#include "support/script.h"

namespace observe {

namespace {

const ThreadInfo& thread_of(const Trace& trace, ThreadRef ref) {
  REQUIRE(raw(ref) < trace.threads().size());
  return trace.threads()[ref];
}

}  // namespace

TEST_CASE("a seeded thread is the same in all events") {
  const Trace trace = Script{}
                          .name(B, "worker")
                          .has(A, running(cpu0))
                          .has(B, sleeping(kFutex))
                          .at(10us)
                          .wakes(B, on(cpu0))
                          .at(40us)
                          .switches(cpu0, A, B)
                          .build();
  const Switch& event = trace.all<Switch>()[0];
  CHECK(trace.all<Waking>()[0].thread == event.next_thread);
  CHECK(trace.all<Waking>()[0].waker_thread == event.prev_thread);
  CHECK(trace.all<Wakeup>()[0].thread == event.next_thread);
  CHECK(thread_of(trace, event.next_thread).name() == "worker");
  CHECK(thread_of(trace, event.next_thread).first->state == RawState{task_bits::kInterruptible});
  CHECK(trace.threads().size() == 2);
  CHECK(trace.quality().threads_without_origin == 0);
}

TEST_CASE("the idle task is nobody's thread") {
  const Trace trace =
      Script{}.has(A, sleeping(kRead)).at(1us).wakes(A, on(cpu0)).switches(cpu0, idle, A).build();
  CHECK(trace.all<Switch>()[0].prev_thread == kNoThread);
  CHECK(trace.all<Waking>()[0].waker_thread == kNoThread);
  CHECK(trace.threads().size() == 1);
}

TEST_CASE("a thread of unknown origin gets a place, and is counted once") {
  const Trace trace = Script{}.at(1us).switches(cpu0, A, B).at(2us).switches(cpu0, B, A).build();
  CHECK(trace.threads().size() == 2);
  CHECK(trace.quality().threads_without_origin == 2);
  CHECK(trace.all<Switch>()[0].prev_thread == trace.all<Switch>()[1].next_thread);
  CHECK(trace.threads().all()[0].names.size() == 1);
}

TEST_CASE("a forked thread has a parent, a birth, and its parent's process") {
  const Trace trace = Script{}
                          .has(A, running(cpu0))
                          .name(B, "child")
                          .at(5us)
                          .forks_thread(cpu0, A, B)
                          .wakes_new(B, on(cpu1))
                          .at(9us)
                          .switches(cpu1, idle, B)
                          .build();
  const ThreadInfo& child = thread_of(trace, trace.all<Fork>()[0].child_thread);
  CHECK(child.born == Time{5us});
  CHECK(child.process == Pid{raw(A)});
  CHECK(child.name() == "child");
  CHECK(child.names.size() == 1);
  CHECK(thread_of(trace, child.parent).tid == A);
  CHECK(trace.all<Switch>()[0].next_thread == trace.all<Fork>()[0].child_thread);
  CHECK(trace.quality().threads_without_origin == 0);
}

TEST_CASE("the name at fork may be recorded before the fork") {
  Script script;
  script.has(A, running(cpu0)).at(5us);
  Rename name{.at = Time{5us},
              .cpu = cpu0,
              .cause = Rename::Cause::kFork,
              .tid = B,
              .process = Pid{raw(A)},
              .name = name_bytes("early")};
  Fork fork{.at = Time{6us},
            .cpu = cpu0,
            .is_thread = true,
            .child = B,
            .child_process = Pid{raw(A)},
            .parent = A,
            .child_start = 7};
  const Trace trace = script.add(name, event_stream(cpu0, kLifecycleLane))
                          .add(fork, event_stream(cpu0, kLifecycleLane))
                          .at(9us)
                          .switches(cpu0, A, B)
                          .build();
  CHECK(trace.threads().size() == 2);
  CHECK(thread_of(trace, trace.all<Switch>()[0].next_thread).name() == "early");
  CHECK(trace.quality().threads_without_origin == 0);
}

TEST_CASE("a thread that was forked while the seeds were taken is one thread") {
  Script script;
  ThreadSeed seed = queued(cpu0);
  seed.start_time = 1'005'000;  // what the script gives to a fork at 5 us
  const Trace trace = script.has(A, running(cpu0))
                          .has(B, seed)
                          .at(5us)
                          .forks_process(cpu0, A, B)
                          .at(9us)
                          .switches(cpu0, A, B)
                          .window(20us, 30us)
                          .build();
  CHECK(trace.threads().size() == 2);
  const ThreadInfo& child = thread_of(trace, trace.all<Switch>()[0].next_thread);
  CHECK(child.born == Time{5us});
  CHECK(child.first.has_value());
}

TEST_CASE("a thread ends at its last switch-out, and its tid may name another one then") {
  const Trace trace = Script{}
                          .has(A, running(cpu0))
                          .has(B, sleeping(kFutex))
                          .name(A, "first")
                          .at(10us)
                          .exits(cpu0, A)
                          .at(12us)
                          .switches(cpu0, A, B, dies())
                          .at(20us)
                          .name(A, "second")
                          .forks_process(cpu0, B, A)
                          .at(30us)
                          .switches(cpu0, B, A)
                          .with_last_seeds()
                          .build();
  const ThreadRef old_one = trace.all<Switch>()[0].prev_thread;
  const ThreadRef new_one = trace.all<Switch>()[1].next_thread;
  REQUIRE(old_one != new_one);
  CHECK(thread_of(trace, old_one).exiting == Time{10us});
  CHECK(thread_of(trace, old_one).died == Time{12us});
  CHECK_FALSE(thread_of(trace, old_one).last);
  CHECK(thread_of(trace, new_one).born == Time{20us});
  CHECK(thread_of(trace, new_one).last.has_value());
  CHECK(thread_of(trace, new_one).name() == "second");
  CHECK(trace.quality().events_after_death == 0);
}

TEST_CASE("a tid that is reused before the old thread's last switch-out tells them apart") {
  // The parent may reap a zombie that still has to switch out: the tid is free from then on.
  const Trace trace = Script{}
                          .has(A, running(cpu0))
                          .has(B, running(cpu1))
                          .has(C, queued(cpu0))
                          .at(10us)
                          .exits(cpu0, A)
                          .at(11us)
                          .forks_process(cpu1, B, A)
                          .at(12us)
                          .switches(cpu0, A, C, dies())
                          .at(13us)
                          .switches(cpu1, B, A)
                          .build();
  const auto switches = trace.all<Switch>();
  CHECK(switches[0].prev_thread != switches[1].next_thread);
  CHECK(thread_of(trace, switches[0].prev_thread).died == Time{12us});
  CHECK_FALSE(thread_of(trace, switches[1].next_thread).died);
  CHECK(switches[1].next_thread == trace.all<Fork>()[0].child_thread);
}

TEST_CASE("a dead tid that is switched in is a thread whose fork was not seen") {
  const Trace trace = Script{}
                          .has(A, running(cpu0))
                          .has(B, queued(cpu0))
                          .at(10us)
                          .switches(cpu0, A, B, dies())
                          .at(20us)
                          .switches(cpu0, B, A)
                          .build();
  CHECK(trace.all<Switch>()[0].prev_thread != trace.all<Switch>()[1].next_thread);
  CHECK(trace.quality().threads_without_origin == 1);
}

TEST_CASE("an event of a dead thread is counted, and stays with it") {
  const Trace trace = Script{}
                          .has(A, running(cpu0))
                          .has(B, queued(cpu0))
                          .at(10us)
                          .switches(cpu0, A, B, dies())
                          .at(20us)
                          .migrates(A, cpu0, cpu1)
                          .build();
  CHECK(trace.all<Migrate>()[0].thread == trace.all<Switch>()[0].prev_thread);
  CHECK(trace.quality().events_after_death == 1);
}

TEST_CASE("the account taken at the last switch-out belongs to who died") {
  const Trace trace = Script{}
                          .has(A, running(cpu0))
                          .has(B, queued(cpu0))
                          .at(10us)
                          .switches(cpu0, A, B, dies())
                          .accounts(cpu0, A, 9us)
                          .build();
  const ThreadInfo& dead = thread_of(trace, trace.all<Switch>()[0].prev_thread);
  REQUIRE(dead.account);
  CHECK(dead.account->run_ns == 9000);
  CHECK(dead.account->nvcsw == 1);
  CHECK(trace.quality().events_after_death == 0);
}

TEST_CASE("a zombie at the start is dead from the start") {
  ThreadSeed zombie = seeded(cpu0);
  zombie.state = RawState{task_bits::kDead};
  const Trace trace = Script{}.has(A, zombie).at(5us).build();
  CHECK(trace.threads().all()[0].died == Time{});
}

TEST_CASE("a thread is found again at the end by tid and start time") {
  ThreadSeed other = queued(cpu0);
  other.start_time = 999;
  const Trace trace = Script{}
                          .has(A, running(cpu0))
                          .has(B, queued(cpu0))
                          .at(10us)
                          .ends(A, running(cpu0))
                          .ends(B, other)
                          .build();
  CHECK(trace.threads().size() == 3);  // B's tid names another thread in the end
  CHECK(trace.threads().all()[0].last);
  CHECK_FALSE(trace.threads().all()[1].last);
  CHECK(trace.threads().all()[2].last->start_time == 999);
}

TEST_CASE("a name is a time series of bytes") {
  const Trace trace = Script{}
                          .name(A, "before")
                          .has(A, running(cpu0))
                          .at(10us)
                          .renames(cpu0, A, "\x1b[31m\xff\n")
                          .at(20us)
                          .renames(cpu0, A, "fifteen-letters")
                          .at(30us)
                          .renames(cpu0, A, "sixteen-letters!")
                          .at(40us)
                          .renames(cpu0, A, "sixteen-letters!")
                          .at(50us)
                          .renames(cpu0, A, "")
                          .build();
  const auto& names = trace.threads().all()[0].names;
  REQUIRE(names.size() == 5);
  CHECK(names[0].name == "before");
  CHECK(names[1].name == "\x1b[31m\xff\n");
  CHECK(names[1].since == Time{10us});
  CHECK(names[2].name == "fifteen-letters");
  CHECK(names[3].name == "sixteen-letters!");
  CHECK(names[4].name.empty());
}

TEST_CASE("the first name that is known serves from the start") {
  const Trace renamed =
      Script{}.at(1us).switches(cpu0, idle, A).at(9us).renames(cpu0, A, "late").build();
  REQUIRE(renamed.threads().all()[0].names.size() == 1);
  CHECK(renamed.threads().all()[0].name() == "late");

  const Trace seeded_at_end = Script{}
                                  .name(A, "late")
                                  .at(1us)
                                  .switches(cpu0, idle, A)
                                  .at(9us)
                                  .ends(A, running(cpu0))
                                  .build();
  CHECK(seeded_at_end.threads().all()[0].name() == "late");
}

// B execs while A leads the process; C is somebody else.
namespace {

Script exec_by_non_leader() {
  Script script;
  script.process(B, A).name(A, "leader").name(B, "caller");
  script.has(A, running(cpu0)).has(B, running(cpu1)).has(C, sleeping(kRead));
  return script;
}

void check_exec(const Trace& trace) {
  const ThreadInfo& leader = trace.threads().all()[0];
  const ThreadInfo& caller = trace.threads().all()[1];
  CHECK(trace.threads().size() == 3);
  CHECK(trace.quality().threads_without_origin == 0);
  CHECK(trace.quality().events_after_death == 0);
  CHECK(leader.tid == A);
  CHECK(leader.died.has_value());
  CHECK(caller.tid == A);
  CHECK_FALSE(caller.died);
  CHECK(leader.name() == "leader");
  CHECK(caller.name() == "new");
  CHECK(raw(trace.all<Exec>()[0].thread) == 1);
}

}  // namespace

TEST_CASE("exec by a thread: the leader's tid is the caller's once the leader has died") {
  const Trace trace = exec_by_non_leader()
                          .at(10us)
                          .switches(cpu1, B, idle, blocks(Syscall{59}))
                          .at(11us)
                          .exits(cpu0, A)
                          .at(12us)
                          .wakes(B, on(cpu1).recorded_on(cpu0))
                          .at(13us)
                          .switches(cpu0, A, idle, dies())
                          .accounts(cpu0, A, 13us)
                          .at(14us)
                          .switches(cpu1, idle, B)
                          .at(20us)
                          .switches(cpu1, A, C, blocks(Syscall{59}))  // has the tid now
                          .at(25us)
                          .wakes(A, on(cpu1))
                          .at(30us)
                          .switches(cpu1, C, A, blocks(kRead))
                          .at(40us)
                          .execs(cpu1, A, "new", B)
                          .at(50us)
                          .switches(cpu1, A, idle, blocks(kRead))
                          .build();
  check_exec(trace);
  const auto switches = trace.all<Switch>();
  CHECK(raw(switches[1].prev_thread) == 0);  // the leader's last
  for (const std::size_t caller_leaves : {0, 3, 5}) {
    CHECK(raw(switches[caller_leaves].prev_thread) == 1);
  }
  CHECK(raw(switches[4].next_thread) == 1);
  CHECK(raw(trace.all<Waking>()[1].thread) == 1);
  CHECK(trace.threads().all()[0].account);
  CHECK_FALSE(trace.threads().all()[1].account);
}

TEST_CASE("exec by a thread: the leader's last switch-out may have the caller's old tid") {
  const Trace trace = exec_by_non_leader()
                          .at(11us)
                          .exits(cpu0, A)
                          // here the two tids are exchanged
                          .at(13us)
                          .switches(cpu1, A, C, preempted())
                          .at(14us)
                          .switches(cpu0, B, idle, dies())
                          .accounts(cpu0, B, 14us)
                          .at(15us)
                          .switches(cpu1, C, A, blocks(kRead))
                          .at(40us)
                          .execs(cpu1, A, "new", B)
                          .at(50us)
                          .switches(cpu1, A, idle, blocks(kRead))
                          .build();
  check_exec(trace);
  const auto switches = trace.all<Switch>();
  CHECK(raw(switches[0].prev_thread) == 1);
  CHECK(raw(switches[1].prev_thread) == 0);
  CHECK(raw(switches[2].next_thread) == 1);
  CHECK(raw(switches[3].prev_thread) == 1);
  CHECK(trace.threads().all()[0].account);
}

TEST_CASE("exec by a thread: the leader, preempted while dying, comes back with the other tid") {
  const Trace trace = exec_by_non_leader()
                          .at(11us)
                          .exits(cpu0, A)
                          .at(12us)
                          .switches(cpu0, A, idle, preempted_in_kernel(kExitCall))
                          // here the two tids are exchanged; B runs on as A
                          .at(13us)
                          .switches(cpu0, idle, B)
                          .at(14us)
                          .switches(cpu0, B, idle, dies())
                          .at(40us)
                          .execs(cpu1, A, "new", B)
                          .at(50us)
                          .switches(cpu1, A, idle, blocks(kRead))
                          .build();
  check_exec(trace);
  CHECK(raw(trace.all<Switch>()[1].next_thread) == 0);
  CHECK(raw(trace.all<Switch>()[2].prev_thread) == 0);
  CHECK(raw(trace.all<Switch>()[3].prev_thread) == 1);
}

TEST_CASE("exec by a thread: the leader may switch out for the last time after the exec event") {
  const Trace trace = exec_by_non_leader()
                          .at(11us)
                          .exits(cpu0, A)
                          .at(40us)
                          .execs(cpu1, A, "new", B)
                          .at(45us)
                          .switches(cpu0, B, idle, dies())
                          .at(50us)
                          .switches(cpu1, A, idle, blocks(kRead))
                          .build();
  check_exec(trace);
  CHECK(raw(trace.all<Switch>()[0].prev_thread) == 0);
  CHECK(raw(trace.all<Switch>()[1].prev_thread) == 1);
}

TEST_CASE("exec by a thread whose process was seen from neither end") {
  const Trace trace = Script{}
                          .at(10us)
                          .switches(cpu0, idle, A)
                          .at(40us)
                          .execs(cpu0, A, "new", B)
                          .at(50us)
                          .switches(cpu0, A, idle, blocks(kRead))
                          .build();
  CHECK(trace.all<Switch>()[1].prev_thread == trace.all<Exec>()[0].thread);
  CHECK(thread_of(trace, trace.all<Exec>()[0].thread).tid == A);
}

TEST_CASE("an exec that a later process does is not taken for one of the earlier") {
  const Trace trace = Script{}
                          .has(A, running(cpu0))
                          .has(C, running(cpu1))
                          .at(10us)
                          .exits(cpu0, A)
                          .at(11us)
                          .switches(cpu0, A, idle, dies())
                          .at(20us)
                          .forks_process(cpu1, C, A)
                          .forks_thread(cpu1, A, B)
                          .at(21us)
                          .switches(cpu0, idle, A)
                          .at(22us)
                          .switches(cpu1, C, B)
                          .at(30us)
                          .exits(cpu0, A)
                          .at(31us)
                          .switches(cpu0, A, idle, dies())
                          .at(40us)
                          .execs(cpu1, A, "new", B)
                          .build();
  CHECK(trace.threads().size() == 4);
  CHECK(trace.all<Exec>()[0].thread == trace.all<Fork>()[1].child_thread);
  CHECK(trace.quality().events_after_death == 0);
}

TEST_CASE("after an exec by a thread the last seed is found by tid, with the leader's start time") {
  ThreadSeed last = running(cpu1);
  last.start_time = raw(A);
  const Trace trace = exec_by_non_leader()
                          .at(11us)
                          .exits(cpu0, A)
                          .at(13us)
                          .switches(cpu0, A, idle, dies())
                          .at(40us)
                          .execs(cpu1, A, "new", B)
                          .ends(A, last)
                          .build();
  check_exec(trace);
  CHECK(trace.threads().all()[1].last);
}

}  // namespace observe
