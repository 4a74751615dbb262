// Judges a workload's ground truth against the kernel's events: one function per workload, found
// by name in the one table in judges.cpp.
#pragma once

#include <span>
#include <string_view>

#include "analysis/noise.h"
#include "analysis/timelines.h"
#include "report/summary.h"

namespace observe {

struct Judgement {
  report::Workload workload;
  std::vector<report::Finding> findings;  // the first is the verdict in one sentence
};

using JudgeFunction = Judgement (*)(const Facts&, const Noise&);

struct JudgeRow {
  std::string_view workload;
  JudgeFunction judge;
};

std::span<const JudgeRow> judges();

Judgement judge_batching(const Facts& facts, const Noise& noise);
Judgement judge_contended_counter(const Facts& facts, const Noise& noise);
Judgement judge_preemptible_spinners(const Facts& facts, const Noise& noise);
Judgement judge_fork_join(const Facts& facts, const Noise& noise);
Judgement judge_amdahl(const Facts& facts, const Noise& noise);
Judgement judge_barrier_stragglers(const Facts& facts, const Noise& noise);
Judgement judge_oversubscribe(const Facts& facts, const Noise& noise);
Judgement judge_placement(const Facts& facts, const Noise& noise);
Judgement judge_ping_pong(const Facts& facts, const Noise& noise);
Judgement judge_false_sharing(const Facts& facts, const Noise& noise);
Judgement judge_coop_hog(const Facts& facts, const Noise& noise);
Judgement judge_coop_tasks(const Facts& facts, const Noise& noise);
Judgement judge_custom_slices(const Facts& facts, const Noise& noise);
Judgement judge_fair_shares(const Facts& facts, const Noise& noise);
Judgement judge_sleeper(const Facts& facts, const Noise& noise);
Judgement judge_yield_vs_spin(const Facts& facts, const Noise& noise);
Judgement judge_yielders(const Facts& facts, const Noise& noise);
Judgement judge_open_loop(const Facts& facts, const Noise& noise);
Judgement judge_producer_consumer(const Facts& facts, const Noise& noise);
Judgement judge_thundering_herd(const Facts& facts, const Noise& noise);
Judgement judge_waiting_room(const Facts& facts, const Noise& noise);
Judgement judge_sync_async_io(const Facts& facts, const Noise& noise);
Judgement judge_lock_convoy(const Facts& facts, const Noise& noise);
Judgement judge_lock_holder_preemption(const Facts& facts, const Noise& noise);
Judgement judge_priority_inversion(const Facts& facts, const Noise& noise);
Judgement judge_deadlock(const Facts& facts, const Noise& noise);
Judgement judge_dining_philosophers(const Facts& facts, const Noise& noise);
Judgement judge_readers_writers(const Facts& facts, const Noise& noise);

}  // namespace observe
