#include "app/usdt.h"

#include "support/catch.h"
#include "trace/events.h"

namespace observe::app {

TEST_CASE("a USDT probe is a path, a provider and a name") {
  const std::vector<std::string> texts{"./a.out:requests:start", "/opt/x:y/lib.so:p:n"};
  const auto probes = parse_usdt(texts);
  REQUIRE(probes);
  REQUIRE(probes->size() == 2);
  CHECK((*probes)[0].path == "./a.out");
  CHECK((*probes)[0].provider == "requests");
  CHECK((*probes)[0].name == "start");
  CHECK((*probes)[0].mark == kFirstUsdtMark);
  CHECK((*probes)[1].path == "/opt/x:y/lib.so");
  CHECK((*probes)[1].mark == kFirstUsdtMark + 1);
  for (std::size_t i = 0; i < texts.size(); ++i) CHECK(usdt_text((*probes)[i]) == texts[i]);
}

TEST_CASE("probes of the provider observe mean what markers mean") {
  const auto probes = parse_usdt(std::vector<std::string>{"server:observe:lock_acquired"});
  REQUIRE(probes);
  CHECK((*probes)[0].mark == raw(MarkerKind::kLockAcquired));
  const auto unknown = parse_usdt(std::vector<std::string>{"server:observe:lock"});
  REQUIRE(!unknown);
  CHECK(unknown.error().reason.find("lock_wanted") != std::string::npos);
  CHECK(unknown.error().failure == Failure::kUsage);
}

TEST_CASE("what is no USDT probe is refused") {
  for (const std::string text : {"", ":", "::", "a:b", "a::b", ":a:b", "a:b:", "nothing"}) {
    CAPTURE(text);
    const auto probes = parse_usdt(std::vector<std::string>{text});
    REQUIRE(!probes);
    CHECK(probes.error().text().find("--usdt") != std::string::npos);
  }
  CHECK(!parse_usdt(std::vector<std::string>(kMostUsdtProbes + 1, "a:b:c")));
}

}  // namespace observe::app
