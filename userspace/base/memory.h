// How much memory there is left to take.
#pragma once

#include <cstdint>
#include <filesystem>

namespace observe {

// What the kernel can hand out without swapping, or less where the limit of a cgroup leaves less:
// that of this process or one above it. The largest number where nothing tells. `root` is where
// /proc and /sys are.
std::uint64_t available_memory(const std::filesystem::path& root = "/");

}  // namespace observe
