// How many columns of a terminal one printable character takes.
#pragma once

#include <cstddef>

namespace observe::text {

// 0, 1 or 2. Independent of the locale and of the C library, so that a static binary on a bare
// machine lays its tables out the same way. Control characters are the caller's matter.
std::size_t code_point_width(char32_t code);

}  // namespace observe::text
