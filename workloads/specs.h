// The built-in workloads, each in its own file; registry.cpp lists them.
#pragma once

#include "workloads/frame/spec.h"

namespace observe::workloads {

Spec contended_counter();
Spec preemptible_spinners();
Spec fork_join();
Spec amdahl();
Spec barrier_stragglers();
Spec oversubscribe();
Spec placement();
Spec ping_pong();
Spec false_sharing();

}  // namespace observe::workloads
