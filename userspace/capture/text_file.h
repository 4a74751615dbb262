// Small text files of /proc and /sys.
#pragma once

#include <filesystem>
#include <string>

namespace observe {

// At most 1 MiB of it; empty when it cannot be read: what is not there is not known.
std::string read_text_file(const std::filesystem::path& path);

// The same of a gzip file, at most 4 MiB unpacked.
std::string read_gzip_file(const std::filesystem::path& path);

}  // namespace observe
