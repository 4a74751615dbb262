// Numbers as people read them, the same everywhere. Three significant digits: a summary is looked
// at; who needs every digit takes the JSON.
#pragma once

#include <cstdint>
#include <string>

#include "base/units.h"

namespace observe::format {

// "0 s", "870 ns", "12.3 µs", "4.00 ms", "1.25 s", "2 min 5 s", "1 h 2 min".
std::string duration(Nanos value);

// With separators of thousands: "1,234,567".
std::string count(std::uint64_t value);

// "512 B", "1.24 KiB", "3.00 MiB".
std::string bytes(std::uint64_t value);

// Up to `digits` significant digits, thousands separated, no exponent below 10^15: "0.344",
// "1,234", "1,482.5". "not a number" and the infinities are said in words.
std::string number(double value, int digits = 4);

// A share of a whole in per cent with one digit: "36.1 %". Never rounded to "0.0 %" or "100.0 %"
// when it is not that: "<0.1 %", ">99.9 %". "-" where the whole is zero.
std::string percent(double part, double whole);

}  // namespace observe::format
