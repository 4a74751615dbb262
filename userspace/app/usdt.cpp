#include "app/usdt.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.h"
#include "trace/events.h"

namespace observe::app {
namespace {

constexpr std::pair<std::string_view, MarkerKind> kOwnProbes[] = {
    {"phase", MarkerKind::kPhase},
    {"operation_begin", MarkerKind::kOperationBegin},
    {"operation_end", MarkerKind::kOperationEnd},
    {"task_switch", MarkerKind::kTaskSwitch},
    {"lock_wanted", MarkerKind::kLockWanted},
    {"lock_acquired", MarkerKind::kLockAcquired},
    {"lock_released", MarkerKind::kLockReleased},
};

Error wrong(std::string_view text, std::string reason) {
  return usage_error(
      fmt::format("use '{}' for --usdt", text::cut(text::sanitise(text.substr(0, 400)), 80)),
      std::move(reason), "for example: --usdt ./server:observe:operation_begin");
}

Result<UsdtProbe> parse_one(const std::string& text) {
  // From the right: a path may have colons.
  const std::size_t second = text.rfind(':');
  const std::size_t first =
      second == std::string::npos || second == 0 ? std::string::npos : text.rfind(':', second - 1);
  if (first == std::string::npos) return fail(wrong(text, "it is PATH:PROVIDER:NAME"));
  UsdtProbe probe{.path = text.substr(0, first),
                  .provider = text.substr(first + 1, second - first - 1),
                  .name = text.substr(second + 1)};
  if (probe.path.empty() || probe.provider.empty() || probe.name.empty()) {
    return fail(wrong(text, "it is PATH:PROVIDER:NAME, and none of them is empty"));
  }
  return probe;
}

}  // namespace

Result<std::vector<UsdtProbe>> parse_usdt(std::span<const std::string> texts) {
  if (texts.size() > kMostUsdtProbes) {
    return fail(
        usage_error("use --usdt so often", fmt::format("{} are the most", kMostUsdtProbes)));
  }
  std::vector<UsdtProbe> probes;
  for (const std::string& text : texts) {
    Result<UsdtProbe> probe = parse_one(text);
    if (!probe) return fail(probe.error());
    probe->mark = static_cast<std::uint16_t>(kFirstUsdtMark + probes.size());
    if (probe->provider == kOwnProvider) {
      const auto* own = std::ranges::find(kOwnProbes, probe->name,
                                          &std::pair<std::string_view, MarkerKind>::first);
      if (own == std::end(kOwnProbes)) {
        std::vector<std::string_view> names;
        for (const auto& [name, kind] : kOwnProbes) names.push_back(name);
        return fail(wrong(text, fmt::format("the provider {} has the probes {}", kOwnProvider,
                                            fmt::join(names, ", "))));
      }
      probe->mark = raw(own->second);
    }
    probes.push_back(std::move(*probe));
  }
  return probes;
}

std::string usdt_text(const UsdtProbe& probe) {
  return fmt::format("{}:{}:{}", probe.path, probe.provider, probe.name);
}

}  // namespace observe::app
