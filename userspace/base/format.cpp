#include "base/format.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

#include <fmt/format.h>

namespace observe::format {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kMinute = 60 * kSecond;

struct Unit {
  std::int64_t size;
  const char* name;
};

// Three significant digits; empty when that rounds to `limit` or more, so that 999.7 µs becomes
// 1.00 ms and not "1000 µs".
std::string three_digits(double scaled, double limit) {
  const int decimals = scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0;
  const double rounded = std::round(scaled * std::pow(10, decimals)) / std::pow(10, decimals);
  return rounded >= limit ? std::string() : fmt::format("{:.{}f}", rounded, decimals);
}

std::int64_t rounded(std::int64_t ns, std::int64_t unit) {
  return ns / unit + (ns % unit >= unit / 2 ? 1 : 0);
}

std::string grouped(std::string digits) {
  const std::size_t point = std::min(digits.find('.'), digits.size());
  const std::size_t begin = digits.starts_with('-') ? 1 : 0;
  for (std::size_t at = point; at > begin + 3; at -= 3) digits.insert(at - 3, 1, ',');
  return digits;
}

}  // namespace

std::string duration(Nanos value) {
  const std::int64_t ns = to_ns(value);
  if (ns == 0) return "0 s";
  if (ns < 0) {
    // The most negative value has no positive counterpart; one nanosecond does not show there.
    return "-" + duration(Nanos{-std::max(ns, -std::numeric_limits<std::int64_t>::max())});
  }
  if (ns < 1000) return fmt::format("{} ns", ns);
  static constexpr std::array<Unit, 3> kUnits{{{1000, "µs"}, {1'000'000, "ms"}, {kSecond, "s"}}};
  for (const Unit& unit : kUnits) {
    const double limit = unit.size == kSecond ? 100 : 1000;
    const std::string text =
        three_digits(static_cast<double>(ns) / static_cast<double>(unit.size), limit);
    if (!text.empty()) return fmt::format("{} {}", text, unit.name);
  }
  if (const std::int64_t seconds = rounded(ns, kSecond); seconds < 3600) {
    return fmt::format("{} min {} s", seconds / 60, seconds % 60);
  }
  const std::int64_t minutes = rounded(ns, kMinute);
  return fmt::format("{} h {} min", grouped(std::to_string(minutes / 60)), minutes % 60);
}

std::string count(std::uint64_t value) { return grouped(std::to_string(value)); }

std::string bytes(std::uint64_t value) {
  static constexpr std::array<const char*, 6> kNames{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (value < 1024) return fmt::format("{} B", value);
  double scaled = static_cast<double>(value);
  for (const char* name : kNames) {
    scaled /= 1024;
    const std::string text = three_digits(scaled, 1024);
    if (!text.empty() && scaled < 1000) return fmt::format("{} {}", text, name);
    if (scaled < 1023.5) return fmt::format("{:.0f} {}", scaled, name);
  }
  return fmt::format("{:.0f} EiB", scaled);  // not reached: 2^64 bytes are 16 EiB
}

std::string number(double value, int digits) {
  if (std::isnan(value)) return "not a number";
  if (std::isinf(value)) return value > 0 ? "infinite" : "-infinite";
  const double size = std::fabs(value);
  if (size >= 1e15) return fmt::format("{:.{}g}", value, digits);
  if (size > 0 && size < 1e-4) return fmt::format("{:.{}g}", value, std::min(digits, 3));
  int decimals = digits - 1;
  if (size > 0) decimals -= static_cast<int>(std::floor(std::log10(size)));
  std::string text = fmt::format("{:.{}f}", value, std::max(0, decimals));
  if (text.find('.') != std::string::npos) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) text.pop_back();
  }
  return text == "-0" ? "0" : grouped(std::move(text));
}

std::string percent(double part, double whole) {
  if (!(whole > 0) || !std::isfinite(part) || !std::isfinite(whole)) return "-";
  const double share = 100 * part / whole;
  if (share > 0 && share < 0.05) return "<0.1 %";
  if (share < 100 && share >= 99.95) return ">99.9 %";
  return fmt::format("{:.1f} %", share);
}

}  // namespace observe::format
