// Which files a run leaves, whose they are, and what cannot be written to.
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include <nlohmann/json.hpp>

#include "base/identity.h"
#include "live/session/running.h"
#include "support/catch.h"
#include "support/skip.h"

namespace observe::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr uid_t kUser = 65534;
const RunOptions kSudo{.environment = {"SUDO_UID=65534", "SUDO_GID=65534", "SUDO_USER=nobody"}};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

uid_t owner(const std::string& path) {
  struct stat status{};
  REQUIRE(lstat(path.c_str(), &status) == 0);
  return status.st_uid;
}

// A file system of 256 KiB.
class SmallDisk {
 public:
  explicit SmallDisk(const Folder& folder) : path_(folder.file("small")) {
    fs::create_directory(path_);
    mounted_ = mount("tmpfs", path_.c_str(), "tmpfs", 0, "size=256k") == 0;
  }
  ~SmallDisk() {
    if (mounted_) umount2(path_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
  bool mounted_ = false;
};

}  // namespace

TEST_CASE("under sudo the files belong to the caller, who also runs the command") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  REQUIRE(chown(folder.path().c_str(), kUser, kUser) == 0);
  const Finished run = run_observe(
      folder, {"--json", "x.json", "--output", "mine", "--", "sh", "-c", "id -u; id -g"}, kSudo);
  INFO(run.err);
  CHECK(run.status == 0);
  CHECK(run.out.starts_with("65534\n65534\n"));
  CHECK(folder.names() == std::vector<std::string>{"mine.obs", "x.json"});
  CHECK(owner(folder.file("mine.obs")) == kUser);
  CHECK(owner(folder.file("x.json")) == kUser);
}

TEST_CASE("under sudo a workload runs as the caller") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  REQUIRE(chown(folder.path().c_str(), kUser, kUser) == 0);
  Running observe(folder, observe_words({"--workload", "contended-counter", "--duration", "900ms"}),
                  kSudo);
  REQUIRE(eventually([&] {
    const auto children = children_of(observe.pid());
    return children.size() == 1 && uid_of(children.front()) == static_cast<int>(kUser);
  }));
  CHECK(observe.wait() == 0);
  CHECK(owner(folder.file("contended-counter.obs")) == kUser);
}

TEST_CASE("under sudo nothing is written where the caller may not write") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;  // root's own, mode 0700
  const Folder other;
  REQUIRE(chown(other.path().c_str(), kUser, kUser) == 0);
  for (const char* option : {"--output", "--json"}) {
    const Finished run = run_observe(other, {option, folder.file("x"), "--", "true"}, kSudo);
    INFO(run.err);
    CHECK(run.status == 1);
    CHECK(contains(run.err, "Permission denied"));
  }
  CHECK(folder.names().empty());
  CHECK(other.names().empty());
}

TEST_CASE("a symbolic link cannot make root write elsewhere") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder secret;
  std::ofstream(secret.file("precious")) << "precious";
  const Folder folder;
  REQUIRE(chown(folder.path().c_str(), kUser, kUser) == 0);
  fs::create_symlink(secret.file("precious"), folder.file("true.obs"));
  fs::create_symlink(secret.file("new"), folder.file("true-2.obs"));
  CHECK(run_observe(folder, {"--", "true"}, kSudo).status == 0);
  CHECK(fs::file_size(secret.file("precious")) == 8);
  CHECK(secret.names() == std::vector<std::string>{"precious"});
  CHECK(owner(folder.file("true-3.obs")) == kUser);
}

TEST_CASE("a JSON file that exists is not overwritten") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  std::ofstream(folder.file("x.json")) << "mine";
  const Finished run = run_observe(folder, {"--json", "x.json", "--", "true"});
  CHECK(run.status == 1);
  CHECK(contains(run.err, "exists already"));
  CHECK(folder.names() == std::vector<std::string>{"x.json"});
  CHECK(fs::file_size(folder.file("x.json")) == 4);
}

TEST_CASE("JSON on standard output is all there is on it") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  const Finished run = run_observe(folder, {"--json", "-", "--", "true"});
  CHECK(run.status == 0);
  CHECK(json::parse(run.out)["schema"] == "observe.summary/1");
}

TEST_CASE("a report gives what the run gave, to the byte") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  const Finished run = run_observe(
      folder, {"--json", "-", "--workload", "contended-counter", "--duration", "300ms"});
  CHECK(run.status == 0);
  const Finished report = run_observe(folder, {"report", "contended-counter.obs", "--json", "-"},
                                      {.without_privileges = false});
  CHECK(report.status == 0);
  CHECK(report.out == run.out);
}

TEST_CASE("a report needs no privileges") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  fs::permissions(folder.path(), fs::perms::all);
  REQUIRE(run_observe(folder, {"--quiet", "--", "true"}).status == 0);
  const Finished report = run_observe(folder, {"report", "true.obs"}, {.without_privileges = true});
  INFO(report.err);
  CHECK(report.status == 0);
  CHECK(contains(report.out, "self-checks"));
}

TEST_CASE("standard output that cannot be written to is an error") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  const Finished run =
      run_observe(folder, {"--workload", "contended-counter", "--duration", "100ms"},
                  {.standard_output = "/dev/full"});
  CHECK(run.status == 1);
  CHECK(contains(run.err, "No space left on device"));
  CHECK(folder.names() == std::vector<std::string>{"contended-counter.obs"});
}

TEST_CASE("a missing or read-only folder is refused before anything starts") {
  const Folder folder;
  const Finished missing = run_observe(folder, {"--output", "no/x", "--", "touch", "ran"});
  CHECK(missing.status == 1);
  CHECK(contains(missing.err, "No such file or directory"));
  const Finished proc = run_observe(folder, {"--output", "/proc/x", "--", "touch", "ran"});
  CHECK(proc.status == 1);
  CHECK(folder.names().empty());
}

TEST_CASE("a disk that fills up ends the run, says so, and keeps what was recorded") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  const SmallDisk disk(folder);
  OBSERVE_SKIP_UNLESS(disk.mounted(), "no file system may be mounted here");
  const Finished run = run_observe(
      folder, {"--output", disk.file("x"), "--", MISBEHAVE_PROGRAM, "switch", "1000000000"});
  INFO(run.err);
  CHECK(run.status == 1);
  CHECK(contains(run.err, "No space left on device"));
  CHECK(eventually([] { return processes_with("1000000000").empty(); }));
  const Finished report = run_observe(folder, {"report", disk.file("x.obs"), "--json", "-"});
  INFO(report.err);
  REQUIRE(report.status == 0);
  CHECK(json::parse(report.out)["capture"]["complete"] == false);
}

TEST_CASE("under sudo a JSON file that could not be written whole is removed") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  REQUIRE(chown(folder.path().c_str(), kUser, kUser) == 0);
  const SmallDisk disk(folder);
  OBSERVE_SKIP_UNLESS(disk.mounted(), "no file system may be mounted here");
  REQUIRE(chown(folder.file("small").c_str(), kUser, kUser) == 0);
  // Of the disk's 64 pages one is left for the JSON file, which takes more.
  std::ofstream(disk.file("filler")) << std::string(63 * 4096, 'x');
  const Finished run = run_observe(
      folder, {"--json", disk.file("x.json"), "--", MISBEHAVE_PROGRAM, "fork", "20"}, kSudo);
  INFO(run.err);
  CHECK(run.status == 1);
  CHECK(contains(run.err, "No space left on device"));
  CHECK_FALSE(fs::exists(disk.file("x.json")));
  CHECK(folder.names() == std::vector<std::string>{"misbehave.obs", "small"});
}

TEST_CASE("under sudo the command finds the caller's home, not root's") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  REQUIRE(chown(folder.path().c_str(), kUser, kUser) == 0);
  RunOptions sudo = kSudo;
  for (const char* variable : {"HOME=/root", "USER=root", "LOGNAME=root", "SHELL=/bin/rootshell"}) {
    sudo.environment.emplace_back(variable);
  }
  const std::vector<std::string> command{"--quiet", "--", "sh", "-c",
                                         "echo $HOME $USER $LOGNAME $SHELL"};
  const std::optional<Login> login =
      login_of(kUser, (std::ostringstream() << std::ifstream("/etc/passwd").rdbuf()).str());
  OBSERVE_SKIP_UNLESS(login.has_value(), "/etc/passwd has no user of that number");
  const Finished run = run_observe(folder, command, sudo);
  INFO(run.err);
  CHECK(run.status == 0);
  CHECK(run.out == login->home + " " + login->name + " " + login->name + " " + login->shell + "\n");
  // Without sudo the environment is passed on as it is.
  sudo.environment.erase(sudo.environment.begin(), sudo.environment.begin() + 3);
  CHECK(run_observe(folder, command, sudo).out == "/root root root /bin/rootshell\n");
}

TEST_CASE("a pipe that nobody reads is refused, and Ctrl-C is not needed") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  REQUIRE(mkfifo(folder.file("pipe").c_str(), 0600) == 0);
  const Finished run =
      run_observe(folder, {"--json", folder.file("pipe"), "--", "touch", folder.file("ran")});
  CHECK(run.status == 1);
  CHECK(contains(run.err, "start the reader first"));
  CHECK(folder.names() == std::vector<std::string>{"pipe"});
}

TEST_CASE("a full disk is refused before anything starts") {
  OBSERVE_SKIP_UNLESS(why_not_live().empty(), why_not_live());
  const Folder folder;
  const SmallDisk disk(folder);
  OBSERVE_SKIP_UNLESS(disk.mounted(), "no file system may be mounted here");
  std::ofstream(disk.file("filler")) << std::string(1 << 20, 'x');
  const Finished run =
      run_observe(folder, {"--output", disk.file("x"), "--", "touch", folder.file("ran")});
  INFO(run.err);
  CHECK(run.status == 1);
  CHECK(contains(run.err, "No space left on device"));
  CHECK_FALSE(fs::exists(disk.file("x.obs")));
  CHECK_FALSE(fs::exists(folder.file("ran")));
}

}  // namespace observe::testing
