#include "analysis/wording.h"

#include <fmt/format.h>

#include "base/format.h"

namespace observe::wording {

std::string duration(Nanos time) { return format::duration(time); }

std::string percent(double share) { return format::percent(share, 1); }

std::string number(std::uint64_t n) { return format::count(n); }

std::string count(std::uint64_t n, std::string_view singular) {
  const std::string_view ending = singular.ends_with("switch") ? "es" : "s";
  return fmt::format("{} {}{}", number(n), singular, n == 1 ? "" : ending);
}

std::string decimal(double value) { return fmt::format("{:.2f}", value); }

std::string thread(const Facts& facts, ThreadRef ref) {
  const ThreadInfo& info = facts.info(ref);
  return fmt::format("{} (tid {})", info.name(), raw(info.tid));
}

double share(Nanos part, Nanos whole) {
  if (whole <= Nanos{0}) return 0;
  return static_cast<double>(part.count()) / static_cast<double>(whole.count());
}

}  // namespace observe::wording
