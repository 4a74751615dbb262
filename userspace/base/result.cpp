#include "base/result.h"

#include <cstring>

#include <fmt/format.h>

namespace observe {

std::string Error::text() const {
  std::string text = fmt::format("cannot {}: {}", action, reason);
  if (!advice.empty()) text += fmt::format("\n  {}", advice);
  return text;
}

Error error_from_errno(std::string action, int errno_value, std::string advice) {
  // strerrordesc_np is thread-safe and never localised, unlike strerror.
  const char* description = strerrordesc_np(errno_value);
  return Error{
      .action = std::move(action),
      .reason = description != nullptr ? description : fmt::format("error {}", errno_value),
      .advice = std::move(advice)};
}

Error usage_error(std::string action, std::string reason, std::string advice) {
  return Error{.action = std::move(action),
               .reason = std::move(reason),
               .advice = std::move(advice),
               .failure = Failure::kUsage};
}

}  // namespace observe
