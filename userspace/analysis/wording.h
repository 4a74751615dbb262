// Numbers in sentences, in the formats of base/format.h. Thread names go in as the kernel had them:
// renderers make them inert.
#pragma once

#include <string>

#include "analysis/timelines.h"

namespace observe::wording {

std::string duration(Nanos time);                               // "12.3 ms"
std::string percent(double share);                              // 0.123 is "12.3 %"
std::string count(std::uint64_t n, std::string_view singular);  // "1 thread", "12,345 threads"
std::string number(std::uint64_t n);                            // "12,345"
std::string decimal(double value);                              // "1.98"
std::string thread(const Facts& facts, ThreadRef ref);          // "name (tid 12)"
double share(Nanos part, Nanos whole);                          // 0 where the whole is nothing

}  // namespace observe::wording
