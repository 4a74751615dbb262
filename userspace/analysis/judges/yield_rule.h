// What sched_yield costs a fair thread, by the kernel's own rule.
#pragma once

#include "trace/run.h"

namespace observe {

// kernel/sched/fair.c, yield_task_fair() since "sched/fair: Forfeit vruntime on yield"
// (Linux 6.19): an eligible thread that yields has its virtual runtime set to its deadline, so that
// it pays for the whole slice. Before, EEVDF moved the deadline only, and the thread could be
// picked again at once. CFS passed over the thread once. False where the kernel's version does not
// tell.
bool yield_forfeits_slice(const HostInfo& host);

struct YieldShare {
  double share = 0;
  double spread = 0;  // the share lies within `share` ± `spread`
};

// Of the CPU, for a thread that computes for `unit` and yields, beside one that computes: both have
// the same weight and slice, and unit <= slice. When each turn is charged a whole slice it gets
// u / (u + s). A thread that is owed less than u when it begins is not eligible any more when it
// yields, and pays u only. With what it is owed spread evenly over a slice that happens in u of s
// cases: a turn costs s − u + u²/s in the mean, and the share is u·s / (s² + u²).
YieldShare yield_share(double unit, double slice);

}  // namespace observe
