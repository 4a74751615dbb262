// The built-in workloads, each in its own file; registry.cpp lists them.
#pragma once

#include "workloads/frame/spec.h"

namespace observe::workloads {

Spec batching();
Spec contended_counter();
Spec preemptible_spinners();
Spec fork_join();
Spec amdahl();
Spec barrier_stragglers();
Spec oversubscribe();
Spec placement();
Spec ping_pong();
Spec false_sharing();
Spec coop_hog();
Spec coop_tasks();
Spec custom_slices();
Spec fair_shares();
Spec sleeper();
Spec yield_vs_spin();
Spec yielders();
Spec open_loop();
Spec producer_consumer();
Spec thundering_herd();
Spec waiting_room();
Spec sync_async_io();
Spec lock_convoy();
Spec lock_holder_preemption();
Spec priority_inversion();
Spec deadlock();
Spec dining_philosophers();
Spec readers_writers();

}  // namespace observe::workloads
