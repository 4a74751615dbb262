#include "workloads/frame/parameters.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "base/check.h"
#include "base/text.h"

namespace observe::workloads {
namespace {

std::unexpected<Error> refuse(std::string reason) {
  return fail(usage_error("use this value", std::move(reason)));
}

// What was typed, shortened and made printable: it goes into a message.
std::string quoted(std::string_view text) {
  return fmt::format("'{}'", text::cut(text::sanitise(text.substr(0, 200)), 40));
}

struct Unit {
  std::string_view name;
  std::int64_t nanoseconds;
};
constexpr Unit kUnits[] = {
    {"ns", 1}, {"us", 1'000}, {"ms", 1'000'000}, {"s", 1'000'000'000}, {"m", 60'000'000'000}};

constexpr std::int64_t kHighestCpu = raw(kNoCpu) - 1;
constexpr std::size_t kLongestCpuList = 8192;  // every second of 2000 CPUs, one by one

Result<std::int64_t> parse_cpu_number(std::string_view text, std::string_view list) {
  const auto number = parse_integer(text);
  if (!number || *number < 0 || *number > kHighestCpu) {
    return refuse(fmt::format("{} in {} is not a CPU number", quoted(text), quoted(list)));
  }
  return *number;
}

}  // namespace

Result<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc::result_out_of_range) {
    return refuse(fmt::format("{} is too large a number", quoted(text)));
  }
  if (error != std::errc{} || stop != end) {
    return refuse(fmt::format("{} is not a whole number", quoted(text)));
  }
  return value;
}

Result<double> parse_real(std::string_view text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc::result_out_of_range) {
    return refuse(fmt::format("{} is out of the range of numbers", quoted(text)));
  }
  if (error != std::errc{} || stop != end || !std::isfinite(value)) {
    return refuse(fmt::format("{} is not a number", quoted(text)));
  }
  return value;
}

Result<Nanos> parse_duration(std::string_view text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  if (error == std::errc{} && value < 0) {
    return refuse(fmt::format("{} is negative", quoted(text)));
  }
  if (error == std::errc::invalid_argument || !std::isfinite(value)) {
    return refuse(fmt::format("{} is not a duration: write 500ms, 3s or 2m", quoted(text)));
  }
  const std::string_view suffix(stop, static_cast<std::size_t>(end - stop));
  if (suffix.empty()) {
    return refuse(fmt::format("{} has no unit: write {}ms or {}s", quoted(text), value, value));
  }
  const auto* unit = std::ranges::find(kUnits, suffix, &Unit::name);
  if (unit == std::end(kUnits)) {
    return refuse(fmt::format("{} is no unit of time: use ns, us, ms, s or m", quoted(suffix)));
  }
  const double nanoseconds = value * static_cast<double>(unit->nanoseconds);
  // 2^53: whole nanoseconds are exact in a double up to here (104 days).
  if (error == std::errc::result_out_of_range || nanoseconds > 9'007'199'254'740'992.0) {
    return refuse(fmt::format("{} is too long", quoted(text)));
  }
  return Nanos{std::llround(nanoseconds)};
}

Result<std::vector<Cpu>> parse_cpu_list(std::string_view text) {
  if (text.empty()) return refuse("the list of CPUs is empty: write 0 or 0-2,5");
  if (text.size() > kLongestCpuList) return refuse("the list of CPUs is too long");
  std::vector<bool> named(kHighestCpu + 1);
  std::string_view rest = text;
  for (bool more = true; more;) {
    const std::size_t comma = rest.find(',');
    const std::string_view item = rest.substr(0, comma);
    more = comma != std::string_view::npos;
    if (more) rest.remove_prefix(comma + 1);

    const std::size_t dash = item.find('-');
    const auto first = parse_cpu_number(item.substr(0, dash), text);
    if (!first) return fail(first.error());
    auto last = first;
    if (dash != std::string_view::npos) last = parse_cpu_number(item.substr(dash + 1), text);
    if (!last) return fail(last.error());
    if (*last < *first) {
      return refuse(fmt::format("the range {} in {} runs backwards", quoted(item), quoted(text)));
    }
    std::fill(named.begin() + *first, named.begin() + *last + 1, true);
  }
  std::vector<Cpu> cpus;
  for (std::size_t cpu = 0; cpu < named.size(); ++cpu) {
    if (named[cpu]) cpus.push_back(Cpu{static_cast<std::uint16_t>(cpu)});
  }
  return cpus;
}

Result<std::vector<std::int64_t>> parse_integer_list(std::string_view text) {
  constexpr std::size_t kMost = 64;
  std::vector<std::int64_t> values;
  for (bool more = true; more;) {
    const std::size_t comma = text.find(',');
    const auto value = parse_integer(text.substr(0, comma));
    if (!value) return fail(value.error());
    if (values.size() == kMost) return refuse("the list is too long");
    values.push_back(*value);
    more = comma != std::string_view::npos;
    if (more) text.remove_prefix(comma + 1);
  }
  return values;
}

Result<PolicyChoice> parse_policy(std::string_view text) {
  if (text == "other") return PolicyChoice{Policy::kOther};
  if (text == "batch") return PolicyChoice{Policy::kBatch};
  if (text == "idle") return PolicyChoice{Policy::kIdle};
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  if (name != "fifo" && name != "rr") {
    return refuse(
        fmt::format("{} is no policy: use other, batch, idle, fifo:P or rr:P", quoted(text)));
  }
  if (colon == std::string_view::npos) {
    return refuse(fmt::format("{0} needs a priority from 1 to 98: {0}:10", name));
  }
  const auto priority = parse_integer(text.substr(colon + 1));
  // 98, because what stops the workload must rank above it (see Stage).
  if (!priority || *priority < 1 || *priority > 98) {
    return refuse(fmt::format("{} is no priority from 1 to 98", quoted(text.substr(colon + 1))));
  }
  return PolicyChoice{name == "fifo" ? Policy::kFifo : Policy::kRoundRobin,
                      static_cast<int>(*priority)};
}

const std::string& Values::text(std::string_view name) const {
  const auto found = texts_.find(std::string(name));
  OBSERVE_CHECK(found != texts_.end());
  return found->second;
}

std::int64_t Values::integer(std::string_view name) const {
  const auto value = parse_integer(text(name));
  OBSERVE_CHECK(value.has_value());
  return *value;
}

double Values::real(std::string_view name) const {
  const auto value = parse_real(text(name));
  OBSERVE_CHECK(value.has_value());
  return *value;
}

Nanos Values::duration(std::string_view name) const {
  const auto value = parse_duration(text(name));
  OBSERVE_CHECK(value.has_value());
  return *value;
}

std::vector<Cpu> Values::cpus(std::string_view name) const {
  auto value = parse_cpu_list(text(name));
  OBSERVE_CHECK(value.has_value());
  return *std::move(value);
}

std::vector<std::int64_t> Values::integers(std::string_view name) const {
  auto value = parse_integer_list(text(name));
  OBSERVE_CHECK(value.has_value());
  return *std::move(value);
}

bool Values::flag(std::string_view name) const { return has(name) && text(name) == "on"; }

}  // namespace observe::workloads
