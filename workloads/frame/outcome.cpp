#include "workloads/frame/outcome.h"

#include <cmath>
#include <cstring>

#include "base/text.h"

namespace observe::workloads {
namespace {

enum class MessageType : std::uint8_t { kReady = 1, kFailure = 2, kResults = 3 };
enum class FactType : std::uint8_t { kFlag = 1, kInteger = 2, kReal = 3, kText = 4 };

constexpr std::size_t kLongestText = 4096;
constexpr std::size_t kLongestName = 64;
constexpr std::uint32_t kMostFacts = 256;

class Encoder {
 public:
  template <class T>
    requires std::is_arithmetic_v<T> || std::is_enum_v<T>
  void put(T value) {
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    out_.append(bytes, sizeof value);
  }
  void put_text(std::string_view text) {
    text = text.substr(0, kLongestText);
    put(static_cast<std::uint32_t>(text.size()));
    out_.append(text);
  }
  void put_facts(const std::map<std::string, Fact>& facts) {
    put(static_cast<std::uint32_t>(facts.size()));
    for (const auto& [name, fact] : facts) {
      put_text(name);
      if (const auto* flag = std::get_if<bool>(&fact)) {
        put(FactType::kFlag);
        put(static_cast<std::uint8_t>(*flag ? 1 : 0));
      } else if (const auto* integer = std::get_if<std::int64_t>(&fact)) {
        put(FactType::kInteger);
        put(*integer);
      } else if (const auto* real = std::get_if<double>(&fact)) {
        put(FactType::kReal);
        put(*real);
      } else {
        put(FactType::kText);
        put_text(std::get<std::string>(fact));
      }
    }
  }
  std::string finish() && {
    const auto length = static_cast<std::uint32_t>(out_.size() - kLengthBytes);
    std::memcpy(out_.data(), &length, sizeof length);
    return std::move(out_);
  }

 private:
  std::string out_ = std::string(kLengthBytes, '\0');
};

// Reads until something is wrong; from then on everything is empty and ok() is false.
class Decoder {
 public:
  Decoder(std::string_view bytes, const MessageLimits& limits) : rest_(bytes), limits_(limits) {}

  bool ok() const { return ok_; }
  bool at_end() const { return ok_ && rest_.empty(); }

  template <class T>
    requires std::is_arithmetic_v<T> || std::is_enum_v<T>
  T get() {
    T value{};
    if (rest_.size() < sizeof value) {
      ok_ = false;
      return value;
    }
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return value;
  }
  std::string get_text(std::size_t longest = kLongestText) {
    const auto length = get<std::uint32_t>();
    if (!ok_ || length > longest || length > rest_.size()) {
      ok_ = false;
      return {};
    }
    std::string text = text::sanitise(rest_.substr(0, length));
    rest_.remove_prefix(length);
    return text;
  }
  Time get_time() {
    const Time time = time_at(get<std::int64_t>());
    if (time < limits_.earliest || time > limits_.latest) ok_ = false;
    return time;
  }
  std::map<std::string, Fact> get_facts() {
    std::map<std::string, Fact> facts;
    const auto count = get<std::uint32_t>();
    if (count > kMostFacts) ok_ = false;
    for (std::uint32_t i = 0; ok_ && i < count; ++i) {
      std::string name = get_text(kLongestName);
      if (!is_name(name)) ok_ = false;
      facts.insert_or_assign(std::move(name), get_fact());
    }
    return facts;
  }

 private:
  static bool is_name(std::string_view name) {
    if (name.empty()) return false;
    for (const char c : name) {
      const bool allowed = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
      if (!allowed) return false;
    }
    return true;
  }
  Fact get_fact() {
    switch (get<FactType>()) {
      case FactType::kFlag:
        return get<std::uint8_t>() != 0;
      case FactType::kInteger:
        return get<std::int64_t>();
      case FactType::kReal: {
        const auto value = get<double>();
        if (!std::isfinite(value)) ok_ = false;
        return value;
      }
      case FactType::kText:
        return get_text();
    }
    ok_ = false;
    return false;
  }

  std::string_view rest_;
  const MessageLimits& limits_;
  bool ok_ = true;
};

Error get_error(Decoder& decoder) {
  Error error;
  error.action = decoder.get_text();
  error.reason = decoder.get_text();
  error.advice = decoder.get_text();
  switch (decoder.get<std::uint8_t>()) {
    case static_cast<std::uint8_t>(Failure::kUsage):
      error.failure = Failure::kUsage;
      break;
    case static_cast<std::uint8_t>(Failure::kNotAllowed):
      error.failure = Failure::kNotAllowed;
      break;
    default:
      error.failure = Failure::kRuntime;
      break;
  }
  return error;
}

// False when its parts contradict each other; that it was cut shows in the decoder.
bool get_results(Decoder& decoder, const MessageLimits& limits, WorkloadInfo& results) {
  results.name = decoder.get_text(kLongestName);
  results.phase_begin = decoder.get_time();
  results.phase_end = decoder.get_time();
  results.truth = decoder.get_facts();
  bool sensible = results.phase_begin <= results.phase_end;
  const auto threads = decoder.get<std::uint32_t>();
  if (threads > limits.threads) return false;
  for (std::uint32_t i = 0; decoder.ok() && i < threads; ++i) {
    WorkloadThread thread;
    thread.tid = Tid{decoder.get<std::uint32_t>()};
    thread.role = decoder.get_text(kLongestName);
    thread.begin = decoder.get_time();
    thread.end = decoder.get_time();
    thread.truth = decoder.get_facts();
    sensible = sensible && thread.begin <= thread.end && thread.tid != kIdleTid;
    results.threads.push_back(std::move(thread));
  }
  return sensible;
}

std::unexpected<Error> nonsense() {
  return fail(Error{.action = "read what the workload reported",
                    .reason = "it makes no sense",
                    .advice = "another program may have interfered with the workload"});
}

}  // namespace

std::string encode(const Message& message) {
  Encoder out;
  if (const auto* error = std::get_if<Error>(&message)) {
    out.put(MessageType::kFailure);
    out.put_text(error->action);
    out.put_text(error->reason);
    out.put_text(error->advice);
    out.put(static_cast<std::uint8_t>(error->failure));
  } else if (const auto* results = std::get_if<WorkloadInfo>(&message)) {
    out.put(MessageType::kResults);
    out.put_text(results->name);
    out.put(to_ns(results->phase_begin));
    out.put(to_ns(results->phase_end));
    out.put_facts(results->truth);
    out.put(static_cast<std::uint32_t>(results->threads.size()));
    for (const WorkloadThread& thread : results->threads) {
      out.put(raw(thread.tid));
      out.put_text(thread.role);
      out.put(to_ns(thread.begin));
      out.put(to_ns(thread.end));
      out.put_facts(thread.truth);
    }
  } else {
    out.put(MessageType::kReady);
  }
  return std::move(out).finish();
}

Result<Message> decode(std::string_view payload, const MessageLimits& limits) {
  Decoder decoder(payload, limits);
  Message message;
  switch (decoder.get<MessageType>()) {
    case MessageType::kReady:
      break;
    case MessageType::kFailure:
      message = get_error(decoder);
      break;
    case MessageType::kResults: {
      WorkloadInfo results;
      if (!get_results(decoder, limits, results)) return nonsense();
      message = std::move(results);
      break;
    }
    default:
      return nonsense();
  }
  if (!decoder.at_end()) return nonsense();
  return message;
}

}  // namespace observe::workloads
