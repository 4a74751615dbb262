#include "base/format.h"

#include <cmath>
#include <limits>

#include "support/catch.h"

namespace observe::format {

using namespace std::chrono_literals;

TEST_CASE("durations have three digits and the unit that fits") {
  CHECK(duration(0ns) == "0 s");
  CHECK(duration(1ns) == "1 ns");
  CHECK(duration(999ns) == "999 ns");
  CHECK(duration(1000ns) == "1.00 µs");
  CHECK(duration(12'345ns) == "12.3 µs");
  CHECK(duration(999'499ns) == "999 µs");
  CHECK(duration(999'500ns) == "1.00 ms");
  CHECK(duration(9'994us) == "9.99 ms");
  CHECK(duration(9'996us) == "10.0 ms");
  CHECK(duration(4ms) == "4.00 ms");
  CHECK(duration(1250ms) == "1.25 s");
  CHECK(duration(99'940ms) == "99.9 s");
  CHECK(duration(99'960ms) == "1 min 40 s");
  CHECK(duration(125s) == "2 min 5 s");
  CHECK(duration(3599s) == "59 min 59 s");
  CHECK(duration(62min) == "1 h 2 min");
  CHECK(duration(5000h) == "5,000 h 0 min");
  CHECK(duration(-4ms) == "-4.00 ms");
  CHECK(duration(Nanos::max()) == "2,562,047 h 47 min");
  CHECK(duration(Nanos::min()) == "-2,562,047 h 47 min");
}

TEST_CASE("numbers") {
  CHECK(count(0) == "0");
  CHECK(count(999) == "999");
  CHECK(count(1000) == "1,000");
  CHECK(count(std::numeric_limits<std::uint64_t>::max()) == "18,446,744,073,709,551,615");
  CHECK(number(0) == "0");
  CHECK(number(0.34406) == "0.3441");
  CHECK(number(1482.5) == "1,482");
  CHECK(number(-12'345.6) == "-12,346");
  CHECK(number(2.5) == "2.5");
  CHECK(number(1e-7) == "1e-07");
  CHECK(number(1e20) == "1e+20");
  CHECK(number(std::nan("")) == "not a number");
  CHECK(number(-std::numeric_limits<double>::infinity()) == "-infinite");
}

TEST_CASE("bytes") {
  CHECK(bytes(0) == "0 B");
  CHECK(bytes(1023) == "1023 B");
  CHECK(bytes(1024) == "1.00 KiB");
  CHECK(bytes(1'048'575) == "1.00 MiB");
  CHECK(bytes(1023 * 1024) == "1023 KiB");
  CHECK(bytes(std::numeric_limits<std::uint64_t>::max()) == "16.0 EiB");
}

TEST_CASE("a share is never rounded to nothing or to all") {
  CHECK(percent(0, 5) == "0.0 %");
  CHECK(percent(1, 100'000) == "<0.1 %");
  CHECK(percent(99'999, 100'000) == ">99.9 %");
  CHECK(percent(5, 5) == "100.0 %");
  CHECK(percent(1, 0) == "-");
  CHECK(percent(std::nan(""), 1) == "-");
}

}  // namespace observe::format
