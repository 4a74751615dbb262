// What a workload's process tells the observer: that it is ready, what came out, or why it failed.
// The observer decodes it as hostile input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "trace/run.h"

namespace observe::workloads {

struct Ready {};
using Message = std::variant<Ready, Error, WorkloadInfo>;

// A message on the wire: its length (4 bytes, in the machine's order), then as many bytes.
inline constexpr std::size_t kLengthBytes = 4;
inline constexpr std::size_t kLongestMessage = std::size_t{1} << 20;

std::string encode(const Message& message);  // with its length

struct MessageLimits {
  std::size_t threads = 0;  // at most
  Time earliest;            // bounds of every time
  Time latest;
};

// `payload` is what followed the length. Text is made inert. An Error when it makes no sense: cut,
// too long, more threads than there can be, times outside the bounds, numbers that are none.
Result<Message> decode(std::string_view payload, const MessageLimits& limits);

}  // namespace observe::workloads
