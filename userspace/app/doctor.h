// What `observe doctor` says about this kernel and these privileges.
#pragma once

#include <span>
#include <string>

#include "capture/capture.h"
#include "render/canvas.h"

namespace observe::app {

// One line per capability, with how to get it where it is missing, and a conclusion.
std::string doctor_text(std::span<const Capability> capabilities,
                        const render::TerminalStyle& style);

// Everything that observing cannot do without is there.
bool can_observe(std::span<const Capability> capabilities);

}  // namespace observe::app
