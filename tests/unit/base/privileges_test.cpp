#include "base/privileges.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <future>

#include "support/catch.h"

namespace observe {
namespace {

namespace fs = std::filesystem;

// Nobody: a user without files of its own.
const Identity kNobody{.uid = 65534, .gid = 65534, .groups = {65533}, .name = "nobody"};

// A folder that `owner` alone may write to, inside one that everybody may enter.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(const Identity& owner) {
    char name[] = "/tmp/observe-privileges-XXXXXX";
    path_ = mkdtemp(name);
    if (geteuid() == 0) REQUIRE(chown(path_.c_str(), owner.uid, owner.gid) == 0);
  }
  ~TemporaryFolder() { fs::remove_all(path_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

bool is_root() {
  if (geteuid() == 0) return true;
  std::puts("skipped: only root can take on another user");
  return false;
}

// Runs `check` in a child, because what it gives up does not come back.
bool holds_in_child(const std::function<bool()>& check) {
  const pid_t child = fork();
  if (child == 0) _exit(check() ? 0 : 1);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

Identity self() { return {.uid = geteuid(), .gid = getegid(), .groups = {}, .name = {}}; }

}  // namespace

TEST_CASE("an output file is created once and never overwritten") {
  const TemporaryFolder folder(self());
  const auto first = open_output(folder.path() / "a.obs", self());
  REQUIRE(first);
  REQUIRE(*first);
  const auto second = open_output(folder.path() / "a.obs", self());
  REQUIRE(second);
  CHECK_FALSE(*second);
}

TEST_CASE("a symbolic link at the place of an output file is not followed") {
  const TemporaryFolder folder(self());
  fs::create_symlink(folder.path() / "elsewhere", folder.path() / "a.obs");
  const auto file = open_output(folder.path() / "a.obs", self());
  REQUIRE(file);
  CHECK_FALSE(*file);
  CHECK_FALSE(fs::exists(folder.path() / "elsewhere"));
}

TEST_CASE("an output folder that is missing is an error that names the file") {
  const auto file = open_output("/nonexistent/folder/a.obs", self());
  REQUIRE_FALSE(file);
  CHECK(file.error().text().find("/nonexistent/folder/a.obs") != std::string::npos);
}

TEST_CASE("root creates output as the calling user, where that user may write, and only there") {
  if (!is_root()) return;
  const TemporaryFolder theirs(kNobody);
  const TemporaryFolder roots(self());
  const CapabilitySet before = effective_capabilities();

  const auto file = open_output(theirs.path() / "a.obs", kNobody);
  REQUIRE(file);
  REQUIRE(*file);
  struct stat status{};
  REQUIRE(fstat((*file)->get(), &status) == 0);
  CHECK(status.st_uid == kNobody.uid);
  CHECK(status.st_gid == kNobody.gid);

  CHECK_FALSE(open_output(roots.path() / "a.obs", kNobody));
  // A link in the user's folder cannot lead root into its own.
  fs::create_directory_symlink(roots.path(), theirs.path() / "link");
  CHECK_FALSE(open_output(theirs.path() / "link" / "a.obs", kNobody));
  CHECK(fs::is_empty(roots.path()));

  CHECK(effective_capabilities() == before);
  CHECK(open_output(roots.path() / "b.obs", self()));
}

TEST_CASE("acting as a user lays every capability aside, in one thread only") {
  if (!is_root()) return;
  const CapabilitySet before = effective_capabilities();
  std::promise<void> entered;
  std::future<CapabilitySet> other_thread =
      std::async(std::launch::async, [may_look = entered.get_future()]() mutable {
        may_look.wait();
        return effective_capabilities();
      });
  {
    const auto scope = AsUser::enter(kNobody);
    entered.set_value();
    REQUIRE(scope);
    CHECK(effective_capabilities() == 0);
    CHECK(other_thread.get() == before);
  }
  CHECK(effective_capabilities() == before);
}

TEST_CASE("capabilities given up do not come back") {
  if (!is_root()) return;
  constexpr CapabilitySet kKill = CapabilitySet{1} << CAP_KILL;
  CHECK(holds_in_child([] {
    return keep_capabilities(kKill) && effective_capabilities() == kKill &&
           has_capability(CAP_KILL) && keep_capabilities(~CapabilitySet{0}) &&
           effective_capabilities() == kKill && setuid(kNobody.uid) != 0;
  }));
}

TEST_CASE("a workload's process becomes the user and cannot go back") {
  if (!is_root()) return;
  CHECK(holds_in_child([] {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || !become_user(kNobody)) return false;
    gid_t groups[8] = {};
    int signal = 0;
    return getuid() == kNobody.uid && getgid() == kNobody.gid && getgroups(8, groups) == 1 &&
           groups[0] == 65533 && effective_capabilities() == 0 && setuid(0) != 0 &&
           setgid(0) != 0 && setgroups(0, nullptr) != 0 && prctl(PR_GET_PDEATHSIG, &signal) == 0 &&
           signal == SIGKILL;
  }));
}

TEST_CASE("who settles as a user can remove that user's files and do nothing else") {
  if (!is_root()) return;
  std::string folder = std::filesystem::temp_directory_path() / "observe-settle-XXXXXX";
  REQUIRE(mkdtemp(folder.data()) != nullptr);
  REQUIRE(chown(folder.c_str(), kNobody.uid, kNobody.gid) == 0);
  CHECK(holds_in_child([&] {
    const auto file = open_output(folder + "/x", kNobody);
    if (!file || !*file || !keep_capabilities(capabilities_to_settle(kNobody))) return false;
    if (unlink((folder + "/x").c_str()) == 0) return false;  // root by number only
    return settle_as(kNobody) && effective_capabilities() == 0 && getuid() == kNobody.uid &&
           unlink((folder + "/x").c_str()) == 0 && setuid(0) != 0;
  }));
  CHECK(holds_in_child([&] {
    const Identity root{.uid = 0, .gid = 0, .groups = {}, .name = {}};
    const auto file = open_output(folder + "/y", root);
    return file && *file && keep_capabilities(capabilities_to_settle(root)) && settle_as(root) &&
           unlink((folder + "/y").c_str()) == 0 && setuid(kNobody.uid) != 0;
  }));
  std::filesystem::remove_all(folder);
}

TEST_CASE("becoming oneself changes no id") {
  CHECK(holds_in_child([] { return bool(become_user(self())) && geteuid() == self().uid; }));
}

}  // namespace observe
