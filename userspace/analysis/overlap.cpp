#include "analysis/overlap.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace observe {

std::vector<Nanos> Overlap::distribution(Nanos window) {
  std::vector<Nanos> time(1, Nanos{0});
  Nanos above_zero{};
  for_each_stretch([&](Time begin, Time end, std::size_t depth) {
    if (depth >= time.size()) time.resize(depth + 1);
    time[depth] += end - begin;
    above_zero += end - begin;
  });
  time[0] = window - above_zero;
  return time;
}

// Many times are sorted digit by digit: those of one window differ in few digits, and the order in
// which threads contribute them would cost a comparison sort a misprediction a step.
void Overlap::sort(std::vector<Time>& values) {
  constexpr std::size_t kFew = 4096;
  constexpr unsigned kDigitBits = 11;
  constexpr std::size_t kDigits = std::size_t{1} << kDigitBits;
  if (values.size() < kFew) {
    std::ranges::sort(values);
    return;
  }
  const auto [lowest, highest] = std::ranges::minmax(values);
  const Time origin = lowest;
  const auto span = static_cast<std::uint64_t>((highest - origin).count());
  std::vector<Time> sorted(values.size());
  for (unsigned shift = 0; shift < 64 && (span >> shift) != 0; shift += kDigitBits) {
    const auto digit = [&](Time value) {
      return (static_cast<std::uint64_t>((value - origin).count()) >> shift) % kDigits;
    };
    std::array<std::size_t, kDigits> next{};
    for (const Time value : values) ++next[digit(value)];
    std::size_t before = 0;
    for (std::size_t& position : next) before += std::exchange(position, before);
    for (const Time value : values) sorted[next[digit(value)]++] = value;
    values.swap(sorted);
  }
}

}  // namespace observe
