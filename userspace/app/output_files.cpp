#include "app/output_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "base/privileges.h"
#include "base/text.h"

namespace observe::app {
namespace {

constexpr int kMostNumbers = 10'000;  // of files with one prefix
constexpr std::string_view kExtension = ".obs";

// What exists at `path` and is no regular file, open for writing as `owner`; else nothing.
Result<std::optional<UniqueFd>> open_special(const std::filesystem::path& path,
                                             const Identity& owner) {
  const Result<AsUser> scope = AsUser::enter(owner);
  if (!scope) return fail(scope.error());
  struct stat status{};
  if (stat(path.c_str(), &status) != 0 || S_ISREG(status.st_mode)) return std::nullopt;
  // Without O_NONBLOCK a pipe that nobody reads yet would be waited for, deaf to Ctrl-C.
  UniqueFd file{open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
  if (!file) {
    const int error = errno;
    const std::string action = fmt::format("write to {}", path.native());
    if (error != ENXIO || !S_ISFIFO(status.st_mode)) return fail(error_from_errno(action, error));
    return fail(Error{.action = action,
                      .reason = "it is a pipe that nobody reads",
                      .advice = "start the reader first"});
  }
  if (fstat(file.get(), &status) != 0 || S_ISREG(status.st_mode)) return std::nullopt;
  const int flags = fcntl(file.get(), F_GETFL);
  if (flags < 0 || fcntl(file.get(), F_SETFL, flags & ~O_NONBLOCK) != 0) {
    return fail(error_from_errno(fmt::format("write to {}", path.native()), errno));
  }
  return file;
}

}  // namespace

OutputFile::OutputFile(UniqueFd file, std::filesystem::path path, Identity owner, bool created)
    : file_(std::move(file)), path_(std::move(path)), owner_(std::move(owner)), created_(created) {}

OutputFile::~OutputFile() {
  if (!file_ || !created_) return;
  // With the user's own rights: at worst the user's own file goes. Nothing is left to be done
  // when that fails, because the reason for giving up is being reported already.
  const Result<AsUser> scope = AsUser::enter(owner_);
  if (scope) unlink(path_.c_str());
}

Result<UniqueFd> OutputFile::duplicate() const {
  UniqueFd copy{fcntl(file_.get(), F_DUPFD_CLOEXEC, 3)};
  if (!copy) return fail(error_from_errno("duplicate a descriptor", errno));
  return copy;
}

Result<OutputFile> create_recording(const std::string& prefix, const Identity& owner) {
  for (int number = 1; number <= kMostNumbers; ++number) {
    const std::string path = number == 1 ? fmt::format("{}{}", prefix, kExtension)
                                         : fmt::format("{}-{}{}", prefix, number, kExtension);
    Result<std::optional<UniqueFd>> file = open_output(path, owner);
    if (!file) return fail(file.error());
    if (*file) return OutputFile(std::move(**file), path, owner, true);
  }
  return fail(Error{.action = fmt::format("create {}{}", prefix, kExtension),
                    .reason = fmt::format("it and {} numbered ones are taken", kMostNumbers - 1),
                    .advice = "choose another name with --output PREFIX"});
}

Result<OutputFile> create_json(const std::string& path, const Identity& owner) {
  Result<std::optional<UniqueFd>> special = open_special(path, owner);
  if (!special) return fail(special.error());
  if (*special) return OutputFile(std::move(**special), path, owner, false);
  Result<std::optional<UniqueFd>> file = open_output(path, owner);
  if (!file) {
    Error error = file.error();
    if (!error.advice.empty()) error.advice = "choose another place with --json FILE";
    return fail(std::move(error));
  }
  if (*file) return OutputFile(std::move(**file), path, owner, true);
  return fail(Error{.action = fmt::format("create {}", path),
                    .reason = "it exists already, and nothing is overwritten",
                    .advice = "remove it, or choose another name"});
}

std::string file_name_for(std::string_view name) {
  constexpr std::size_t kMostBytes = 60;
  std::string out;
  for (const char c : name.substr(0, kMostBytes)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '_' || c == '+' || c == '-';
    out += plain ? c : '_';
  }
  const std::size_t begin = std::min(out.find_first_not_of(".-_"), out.size());
  out.erase(0, begin);
  return out.empty() ? "recording" : out;
}

}  // namespace observe::app
