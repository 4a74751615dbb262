// The files that a run leaves: created before anything starts, as the calling user, and removed
// again when nothing came of it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/identity.h"
#include "base/result.h"

namespace observe::app {

// A file of ours until keep(): what is not kept is removed.
class OutputFile {
 public:
  OutputFile(UniqueFd file, std::filesystem::path path, Identity owner, bool created);
  OutputFile(OutputFile&&) = default;
  OutputFile& operator=(OutputFile&&) = delete;
  ~OutputFile();

  int fd() const { return file_.get(); }
  Result<UniqueFd> duplicate() const;
  const std::filesystem::path& path() const { return path_; }
  void keep() { created_ = false; }

 private:
  UniqueFd file_;
  std::filesystem::path path_;
  Identity owner_;
  bool created_;  // by us, and not kept yet
};

// PREFIX.obs, or PREFIX-2.obs, PREFIX-3.obs… where that is taken.
Result<OutputFile> create_recording(const std::string& prefix, const Identity& owner);

// A file named by the user: it must not exist, unless it is no regular file (/dev/null, a pipe).
Result<OutputFile> create_json(const std::string& path, const Identity& owner);

// A file name made of the name of a program, thread or workload, whatever bytes that has.
std::string file_name_for(std::string_view name);

}  // namespace observe::app
