#include "base/identity.h"

#include <string>

#include "support/catch.h"

namespace observe {

TEST_CASE("under sudo the observer acts for the user who called it") {
  const auto caller = sudo_caller(0, {.uid = "1000", .gid = "1001", .user = "ada"},
                                  "adm:x:4:syslog,ada\nada:x:1001:\nsudo:x:27:ada\n");
  REQUIRE(caller);
  REQUIRE(*caller);
  CHECK((*caller)->uid == 1000);
  CHECK((*caller)->gid == 1001);
  CHECK((*caller)->name == "ada");
  CHECK((*caller)->groups == std::vector<gid_t>{4, 27});
  CHECK_FALSE((*caller)->is_root());
}

TEST_CASE("sudo's variables mean nothing to a process that root did not start") {
  CHECK_FALSE(*sudo_caller(1000, {.uid = "1001", .gid = "1001", .user = "eve"}, ""));
  CHECK_FALSE(*sudo_caller(0, {}, ""));
}

TEST_CASE("root who calls sudo stays root") {
  CHECK_FALSE(*sudo_caller(0, {.uid = "0", .gid = "0", .user = "root"}, ""));
}

TEST_CASE("sudo's variables that make no sense are refused, not taken for root") {
  for (const char* id : {"", " 1", "1 ", "-1", "+1", "0x10", "1e3", "4294967295", "4294967296",
                         "99999999999999999999", "ada"}) {
    INFO("id '" << id << "'");
    const auto bad_uid = sudo_caller(0, {.uid = id, .gid = "1000", .user = "ada"}, "");
    REQUIRE_FALSE(bad_uid);
    CHECK(bad_uid.error().failure == Failure::kUsage);
    CHECK_FALSE(sudo_caller(0, {.uid = "1000", .gid = id, .user = "ada"}, ""));
  }
  CHECK_FALSE(sudo_caller(0, {.uid = "1000", .gid = nullptr, .user = "ada"}, ""));
}

TEST_CASE("only whole member names count as membership") {
  const std::string_view file = "a:x:1:ada2\nb:x:2:xada\nc:x:3:ad\nd:x:4:x,ada,y\nada:x:5:\n";
  CHECK(groups_of("ada", file) == std::vector<gid_t>{4});
}

TEST_CASE("a user's login comes from the first line that makes sense") {
  const std::string_view file =
      "root:x:0:0:root:/root:/bin/bash\n"
      "# ada:x:1000\n"
      "bad:x: 1000:0::/bad:/bad\n"
      "wrapped:x:4294968296:0::/bad:/bad\n"
      ":x:1000:0::/bad:/bad\n"
      "more:x:1000:0::/bad:/bad:\n"
      "ada:x:1000:1000:Ada,,,:/people/ada:/bin/zsh\n"
      "other:x:1000:1000::/people/other:/bin/sh\n"
      "plain:x:1001:1001::/people/plain:";
  const std::optional<Login> ada = login_of(1000, file);
  REQUIRE(ada);
  CHECK(ada->name == "ada");
  CHECK(ada->home == "/people/ada");
  CHECK(ada->shell == "/bin/zsh");
  REQUIRE(login_of(1001, file));
  CHECK(login_of(1001, file)->shell == "/bin/sh");
  CHECK_FALSE(login_of(1002, file));
  CHECK_FALSE(login_of(0, ""));
}

TEST_CASE("hostile lines of a group file give no group") {
  const std::string_view file =
      "wheel:x:10:ada:extra\n"              // one field too many
      "short:x:ada\n"                       // one too few
      "minus:x:-1:ada\n"                    // would wrap around
      "all:x:4294967295:ada\n"              // (gid_t)-1: leave as it is
      "big:x:4294967296:ada\n"              // more than 32 bits
      "spaces:x: 7:ada\n"                   //
      "empty:x::ada\n"                      //
      "\n:::\n::::ada\n"                    //
      "commas:x:8:,,,\n"                    //
      "twice:x:9:ada,ada\nagain:x:9:ada\n"  // once is enough
      "last:x:11:ada";                      // without a newline
  CHECK(groups_of("ada", file) == std::vector<gid_t>{9, 11});
  CHECK(groups_of("", "a:x:1:\nb:x:2:,\n").empty());
  CHECK(groups_of("ada,bob", "a:x:1:ada,bob\n").empty());
  CHECK(groups_of("x", "a:x:1:x\nb:x:2:" + std::string(100'000, ',') + "x\n").size() == 2);
}

}  // namespace observe
