#include "unit/render/sample_summary.h"

namespace observe::testing {
namespace {

using namespace std::chrono_literals;

report::Thread adder(std::uint32_t tid, const char* name, Nanos run, Nanos wait) {
  report::Thread thread;
  thread.tid = tid;
  thread.tgid = 4000;
  thread.name = name;
  thread.role = "adder";
  thread.target = true;
  thread.lifetime = 2s;
  thread.run = run;
  thread.wait = wait;
  thread.wait_by_cause = {.woken = 20us, .fresh = 30us, .preempted = wait - 50us};
  thread.wake_delay = 5us;
  thread.blocked = 2s - run - wait - 5us;
  thread.blocked_by = {{"futex", 2s - run - wait - 5us, 2}};
  thread.switches = {.preempted = 248, .blocked = 2, .exited = 1};
  thread.migrations = 1;
  thread.cpus = {{0, run}};
  thread.wait_latency = {250, 3990us, 4000us, 4120us, 12'100us, 1234ms};
  thread.run_slice = {251, 4000us, 4000us, 4050us, 8001us, 0ns};
  thread.kernel_account = report::KernelAccount{2, 249, run + 1us, wait - 3us};
  return thread;
}

}  // namespace

report::Summary sample_summary() {
  report::Summary summary;
  summary.run = {.kind = "workload",
                 .name = "contended-counter",
                 .parameters = {{"lock", "none"}, {"place", "one"}, {"threads", "2"}},
                 .seed = 42,
                 .started_at = "2025-06-01T12:00:00Z",
                 .duration = 2001ms,
                 .exit_status = 0,
                 .end_reason = "target ended"};
  summary.host = {.kernel = "6.12.10",
                  .arch = "x86_64",
                  .cpus_online = 2,
                  .hz = 250,
                  .preempt_model = "voluntary",
                  .scheduler = "EEVDF",
                  .slice = 1400us,
                  .hypervisor = "kvm",
                  .topology = {{0, 0, 0, 0, 0, true}, {1, 1, 0, 0, 0, true}}};
  summary.capture = {.clock = "CLOCK_MONOTONIC",
                     .events = 12'345,
                     .by_kind = {{"switch", 1502}, {"wakeup", 700}},
                     .observer_cpu = 12'300us,
                     .probe_cpu = 1700us,
                     .recording_bytes = 123'456};
  summary.totals = {.switches = 502,
                    .preempted = 496,
                    .yielded = 0,
                    .blocked = 4,
                    .wakeups = 6,
                    .migrations = 2,
                    .run = 1990ms,
                    .wait = 1900ms,
                    .parallelism_mean = 0.995,
                    .concurrency_mean = 1.945};
  summary.waits = {500, 3990us, 4000us, 4120us, 12'100us, 1234ms};
  summary.worst_waiter = "adder-1";
  summary.threads = {adder(4001, "adder-0", 1000ms, 900ms), adder(4002, "adder-1", 990ms, 1000ms)};
  report::CpuSummary cpu0{.cpu = 0, .busy = 1990ms, .idle = 11ms, .switches = 520};
  report::CpuSummary cpu1{.cpu = 1, .busy = 60ms, .idle = 1941ms, .switches = 300};
  cpu0.queue_mean = 0.95;
  cpu0.queue_max = 3;
  cpu1.queue_mean = 0.01;
  cpu1.queue_max = 1;
  for (int i = 0; i < 64; ++i) {
    cpu0.utilisation.push_back(i < 2 ? 0.5 : 1.0);
    cpu0.target_utilisation.push_back(i < 2 ? 0.5 : 0.98);
    cpu1.utilisation.push_back(i % 8 == 0 ? 0.25 : 0.0);
    cpu1.target_utilisation.push_back(0.0);
  }
  summary.cpus = {cpu0, cpu1};
  summary.roles = {{.role = "adder",
                    .threads = 2,
                    .lifetime = 4s,
                    .run = 1990ms,
                    .wait = 1900ms,
                    .wake_delay = 10us,
                    .blocked = 109'990us}};
  summary.locks = {
      {.number = 7,
       .acquisitions = 12,
       .abandoned = 1,
       .wait = {.count = 3, .p50 = 2us, .p90 = 33us, .p99 = 33us, .max = 33us},
       .hold = {.count = 12, .p50 = 1us, .p90 = 30us, .p99 = 30us, .max = 30us},
       .longest = report::LongestLockWait{.name = "adder-1",
                                          .tid = 4002,
                                          .begin = 12us,
                                          .length = 33us,
                                          .holders = {{"adder-0", 4001, 28us, 18us, 10us, 0us}}}}};
  summary.holders = {{"adder-1", 4002, true, 999ms},
                     {"adder-0", 4001, true, 890ms},
                     {"kworker/0:1", 77, false, 3ms}};
  summary.workload = report::Workload{
      .ground_truth = {{"expected", std::int64_t{3'331'998}},
                       {"observed", std::int64_t{2'128'557}},
                       {"lost", std::int64_t{1'203'441}},
                       {"ledger_exact", true},
                       {"lost_share", 0.3612},
                       {"lock", std::string("none")}},
      .predictions = {{.name = "lost share",
                       .formula = "p(N-1)/(1+p(N-1))",
                       .predicted = 0.3596,
                       .measured = 0.3612,
                       .unit = "",
                       .tolerance = 0.05,
                       .verdict = report::PredictionVerdict::kShown}},
      .headline = {"lost 1,203,441 of 3,331,998 updates (36.1 %); 1.67 million updates a second"}};
  summary.findings = {
      {.id = "lost-updates-by-preemption",
       .verdict = report::FindingVerdict::kShown,
       .claim = "Each of 117 stale stores was caused by a preemption between its load and its "
                "store, after which the other thread ran.",
       .evidence = {"The longest rolled back 8,412 updates, at 1.234 s.",
                    "117 of 496 preemptions fell into the window."},
       .at = 1234ms}};
  summary.self_checks = {
      {"states add up to the lifetime", 4, 4, 0, "ns", true, true, "every thread"},
      {"one thread per CPU", 2, 2, 0, "overlaps", true, true, ""},
      {"switches = nvcsw + nivcsw", 2, 2, 0, "switches", true, true, ""},
      {"running time = schedstat", 2, 1, 1000, "ns", true, true, ""},
      {"waiting time = schedstat", 2, 0, 3000, "ns", true, false,
       "not promised for woken threads"}};
  summary.kernel_agreement = {.threads = 2, .worst_switches = 0, .worst_run_percent = 0.1};
  return summary;
}

}  // namespace observe::testing
