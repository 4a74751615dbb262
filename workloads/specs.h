// The built-in workloads, each in its own file; registry.cpp lists them.
#pragma once

#include "workloads/frame/spec.h"

namespace observe::workloads {

Spec contended_counter();

}  // namespace observe::workloads
