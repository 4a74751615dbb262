// What a fuzz target has to define, and how it says that something does not hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace observe::fuzz {

inline std::span<const std::byte> bytes_of(const std::uint8_t* data, std::size_t size) {
  return std::as_bytes(std::span(data, size));
}

}  // namespace observe::fuzz
