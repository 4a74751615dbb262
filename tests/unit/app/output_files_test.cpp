#include "app/output_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "support/catch.h"

namespace observe::app {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() {
    std::string pattern = fs::temp_directory_path() / "observe-files-XXXXXX";
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~Folder() { fs::remove_all(path_); }
  std::string operator/(const char* name) const { return path_ / name; }

 private:
  fs::path path_;
};

Identity myself() {
  const Result<Identity> user = calling_user();
  REQUIRE(user.has_value());
  return *user;
}

}  // namespace

TEST_CASE("a taken name gets a number, and nothing is overwritten") {
  const Folder folder;
  std::ofstream(folder / "run.obs") << "mine";
  std::ofstream(folder / "run-2.obs") << "mine too";
  auto file = create_recording(folder / "run", myself());
  REQUIRE(file.has_value());
  CHECK(file->path() == folder / "run-3.obs");
  file->keep();
  CHECK(fs::file_size(folder / "run.obs") == 4);
  CHECK(fs::file_size(folder / "run-2.obs") == 8);
}

TEST_CASE("a file that is not kept is removed, one that is kept stays") {
  const Folder folder;
  {
    auto dropped = create_recording(folder / "a", myself());
    REQUIRE(dropped.has_value());
    CHECK(fs::exists(folder / "a.obs"));
    auto kept = create_recording(folder / "b", myself());
    REQUIRE(kept.has_value());
    OutputFile moved = std::move(*kept);
    moved.keep();
  }
  CHECK_FALSE(fs::exists(folder / "a.obs"));
  CHECK(fs::exists(folder / "b.obs"));
}

TEST_CASE("a symbolic link in the way is a taken name") {
  const Folder folder;
  fs::create_symlink(folder / "elsewhere", folder / "run.obs");
  auto file = create_recording(folder / "run", myself());
  REQUIRE(file.has_value());
  CHECK(file->path() == folder / "run-2.obs");
  CHECK_FALSE(fs::exists(folder / "elsewhere"));
}

TEST_CASE("a missing folder is an error that says what to do") {
  const Folder folder;
  const auto file = create_recording(folder / "no/run", myself());
  REQUIRE_FALSE(file.has_value());
  CHECK(file.error().reason == "No such file or directory");
  CHECK(file.error().advice.find("--output") != std::string::npos);
}

TEST_CASE("JSON goes to a new file or to what is no regular file") {
  const Folder folder;
  CHECK(create_json(folder / "new.json", myself()).has_value());
  CHECK(create_json("/dev/null", myself()).has_value());
  CHECK(fs::exists("/dev/null"));
  std::ofstream(folder / "old.json") << "{}";
  const auto taken = create_json(folder / "old.json", myself());
  REQUIRE_FALSE(taken.has_value());
  CHECK(taken.error().reason.find("nothing is overwritten") != std::string::npos);
  CHECK(fs::file_size(folder / "old.json") == 2);
}

TEST_CASE("a pipe that nobody reads is refused at once, one with a reader is written to") {
  const Folder folder;
  const std::string path = folder / "pipe";
  REQUIRE(mkfifo(path.c_str(), 0600) == 0);
  const auto refused = create_json(path, myself());
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().reason == "it is a pipe that nobody reads");
  CHECK(refused.error().advice == "start the reader first");

  const UniqueFd reader{open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
  REQUIRE(reader);
  {
    const auto file = create_json(path, myself());
    REQUIRE(file.has_value());
    CHECK((fcntl(file->fd(), F_GETFL) & O_NONBLOCK) == 0);
    REQUIRE(write(file->fd(), "{}", 2) == 2);
  }
  char text[3] = {};
  CHECK(read(reader.get(), text, sizeof text) == 2);
  CHECK(std::string(text) == "{}");
  CHECK(fs::exists(path));  // what was there before is not removed
}

TEST_CASE("any name gives a harmless file name") {
  CHECK(file_name_for("stress-ng") == "stress-ng");
  CHECK(file_name_for("kworker/0:1") == "kworker_0_1");
  CHECK(file_name_for("../../etc/passwd") == "etc_passwd");
  CHECK(file_name_for("\x1b[31m\n") == "31m_");
  CHECK(file_name_for("--output") == "output");
  CHECK(file_name_for("") == "recording");
  CHECK(file_name_for("...") == "recording");
  CHECK(file_name_for(std::string(5000, 'x')).size() == 60);
}

}  // namespace observe::app
