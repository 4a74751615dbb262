#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace observe {

void check_failed(const char* condition, std::source_location where) {
  std::fprintf(stderr, "observe: bug: '%s' does not hold in %s, %s:%u\n", condition,
               where.function_name(), where.file_name(), where.line());
  std::abort();
}

}  // namespace observe
