// Which places of which programs --usdt names, and what their markers mean.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "capture/capture.h"

namespace observe::app {

// The provider whose probes mean what the markers of the built-in workloads mean.
inline constexpr std::string_view kOwnProvider = "observe";
inline constexpr std::size_t kMostUsdtProbes = 64;

// Each text is PATH:PROVIDER:NAME. Errors are usage errors.
Result<std::vector<UsdtProbe>> parse_usdt(std::span<const std::string> texts);

// PATH:PROVIDER:NAME again.
std::string usdt_text(const UsdtProbe& probe);

}  // namespace observe::app
