#include "analysis/wording.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace observe::wording {

std::string duration(Nanos time) {
  struct Unit {
    double ns;
    std::string_view name;
  };
  static constexpr std::array kUnits = {Unit{1e9, "s"}, Unit{1e6, "ms"}, Unit{1e3, "us"}};
  const auto ns = static_cast<double>(time.count());
  for (const Unit& unit : kUnits) {
    const double value = ns / unit.ns;
    if (std::abs(value) < 0.9995) continue;
    const int decimals = std::abs(value) < 9.995 ? 2 : std::abs(value) < 99.95 ? 1 : 0;
    return fmt::format("{:.{}f} {}", value, decimals, unit.name);
  }
  return fmt::format("{} ns", time.count());
}

std::string percent(double share) {
  const double value = share * 100;
  const double size = std::abs(value);
  if (size > 0 && size < 0.05) return "less than 0.1 %";
  return fmt::format("{:.{}f} %", value, size > 0 && size < 9.95 ? 1 : 0);
}

std::string number(std::uint64_t n) {
  std::string digits = std::to_string(n);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, 1, ',');
  return digits;
}

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
