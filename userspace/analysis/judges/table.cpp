#include "analysis/judges/judge.h"

namespace observe {
namespace {

constexpr JudgeRow kJudges[] = {
    {"batching", judge_batching},
    {"contended-counter", judge_contended_counter},
    {"preemptible-spinners", judge_preemptible_spinners},
    {"fork-join", judge_fork_join},
    {"amdahl", judge_amdahl},
    {"barrier-stragglers", judge_barrier_stragglers},
    {"oversubscribe", judge_oversubscribe},
    {"placement", judge_placement},
    {"ping-pong", judge_ping_pong},
    {"false-sharing", judge_false_sharing},
    {"coop-hog", judge_coop_hog},
    {"coop-tasks", judge_coop_tasks},
    {"custom-slices", judge_custom_slices},
    {"fair-shares", judge_fair_shares},
    {"sleeper", judge_sleeper},
    {"yield-vs-spin", judge_yield_vs_spin},
    {"yielders", judge_yielders},
    {"open-loop", judge_open_loop},
    {"producer-consumer", judge_producer_consumer},
    {"thundering-herd", judge_thundering_herd},
    {"waiting-room", judge_waiting_room},
    {"sync-async-io", judge_sync_async_io},
    {"lock-convoy", judge_lock_convoy},
    {"lock-holder-preemption", judge_lock_holder_preemption},
    {"priority-inversion", judge_priority_inversion},
    {"deadlock", judge_deadlock},
    {"dining-philosophers", judge_dining_philosophers},
    {"readers-writers", judge_readers_writers},
};

}  // namespace

std::span<const JudgeRow> judges() { return kJudges; }

}  // namespace observe
