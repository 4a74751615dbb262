// The compiled probes, part of the program.
#pragma once

#include <cstddef>
#include <span>

namespace observe {

std::span<const std::byte> embedded_object();

}  // namespace observe
