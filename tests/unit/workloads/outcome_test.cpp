#include "workloads/frame/outcome.h"

#include <cstring>
#include <limits>

#include "support/catch.h"

namespace observe::workloads {
namespace {

constexpr MessageLimits kLimits{.threads = 2, .earliest = time_at(100), .latest = time_at(1000)};

WorkloadInfo sample() {
  return {.name = "w",
          .phase_begin = time_at(200),
          .phase_end = time_at(900),
          .truth = {{"flag", true},
                    {"whole", std::int64_t{-7}},
                    {"part", 0.5},
                    {"text", std::string("text")}},
          .threads = {{.tid = Tid{7},
                       .role = "r",
                       .begin = time_at(210),
                       .end = time_at(890),
                       .truth = {{"ops", std::int64_t{3}}}}}};
}

Result<Message> pass(const Message& message, const MessageLimits& limits = kLimits) {
  const std::string bytes = encode(message);
  std::uint32_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  REQUIRE(length + kLengthBytes == bytes.size());
  return decode(std::string_view(bytes).substr(kLengthBytes), limits);
}

template <class Change>
bool accepted(Change change) {
  WorkloadInfo info = sample();
  change(info);
  return pass(info).has_value();
}

}  // namespace

TEST_CASE("what a workload reports comes through unchanged") {
  const auto ready = pass(Ready{});
  REQUIRE(ready);
  CHECK(std::holds_alternative<Ready>(*ready));

  const auto error = pass(Error{"do it", "no", "try again", Failure::kNotAllowed});
  REQUIRE(error);
  CHECK(std::get<Error>(*error).text() == "cannot do it: no\n  try again");
  CHECK(std::get<Error>(*error).failure == Failure::kNotAllowed);

  const auto results = pass(sample());
  REQUIRE(results);
  const auto& info = std::get<WorkloadInfo>(*results);
  CHECK(info.truth == sample().truth);
  REQUIRE(info.threads.size() == 1);
  CHECK(info.threads[0].tid == Tid{7});
  CHECK(info.threads[0].truth == sample().threads[0].truth);
  CHECK(info.phase_end == time_at(900));
}

TEST_CASE("what cannot be is refused") {
  CHECK(accepted([](WorkloadInfo&) {}));
  CHECK_FALSE(accepted([](WorkloadInfo& i) { i.phase_begin = time_at(99); }));
  CHECK_FALSE(accepted([](WorkloadInfo& i) { i.phase_end = time_at(1001); }));
  CHECK_FALSE(accepted([](WorkloadInfo& i) { std::swap(i.phase_begin, i.phase_end); }));
  CHECK_FALSE(accepted([](WorkloadInfo& i) { i.threads[0].begin = time_at(895); }));
  CHECK_FALSE(accepted([](WorkloadInfo& i) { i.threads[0].tid = kIdleTid; }));
  CHECK_FALSE(accepted([](WorkloadInfo& i) { i.threads.resize(3, i.threads[0]); }));
  CHECK_FALSE(accepted(
      [](WorkloadInfo& i) { i.truth["part"] = std::numeric_limits<double>::quiet_NaN(); }));
  CHECK_FALSE(
      accepted([](WorkloadInfo& i) { i.truth["part"] = std::numeric_limits<double>::infinity(); }));
  CHECK_FALSE(accepted([](WorkloadInfo& i) { i.truth["Bad Name"] = true; }));
  CHECK_FALSE(accepted([](WorkloadInfo& i) { i.truth[std::string(65, 'x')] = true; }));
  CHECK_FALSE(accepted([](WorkloadInfo& i) {
    for (int n = 0; n < 300; ++n) i.truth["n" + std::to_string(n)] = true;
  }));
}

TEST_CASE("text that is reported is made inert") {
  WorkloadInfo info = sample();
  info.truth["text"] = std::string("a\x1b[2J\n\xff");
  const auto results = pass(info);
  REQUIRE(results);
  const auto& text = std::get<std::string>(std::get<WorkloadInfo>(*results).truth.at("text"));
  for (const char c : text) CHECK((c != '\x1b' && c != '\n' && c != '\xff'));
}

TEST_CASE("a message that is cut or followed by anything is refused") {
  for (const Message& message : {Message{sample()}, Message{Error{"a", "b", "c"}}}) {
    const std::string payload = encode(message).substr(kLengthBytes);
    for (std::size_t length = 0; length < payload.size(); ++length) {
      CAPTURE(length);
      CHECK_FALSE(decode(std::string_view(payload).substr(0, length), kLimits));
    }
    CHECK_FALSE(decode(payload + "x", kLimits));
  }
}

TEST_CASE("no byte that changes makes the decoder misbehave") {
  const std::string payload = encode(sample()).substr(kLengthBytes);
  std::size_t refused = 0;
  for (std::size_t at = 0; at < payload.size(); ++at) {
    for (const int flip : {0x01, 0x80, 0xff}) {
      std::string changed = payload;
      changed[at] = static_cast<char>(changed[at] ^ flip);
      if (!decode(changed, kLimits)) ++refused;
    }
  }
  CHECK(refused > payload.size());
}

}  // namespace observe::workloads
