// What a function returns that depends on the environment: a value, or an Error for people.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace observe {

// How the process ends because of an error; see the exit status in the README.
enum class Failure { kRuntime = 1, kUsage = 2, kNotAllowed = 3 };

// "cannot ACTION: REASON (ADVICE)". Says what failed, why, and what to try.
struct Error {
  std::string action;  // what was attempted: "load the BPF programs"
  std::string reason;  // why it failed: "Operation not permitted"
  std::string advice;  // what to try; may be empty
  Failure failure = Failure::kRuntime;

  std::string text() const;
};

template <class T>
using Result = std::expected<T, Error>;

// An Error whose reason is the description of an errno value.
Error error_from_errno(std::string action, int errno_value, std::string advice = {});
Error usage_error(std::string action, std::string reason, std::string advice = {});

inline std::unexpected<Error> fail(Error error) { return std::unexpected(std::move(error)); }

}  // namespace observe
