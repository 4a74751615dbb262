// Compares text with a file in tests/golden. After a change that is meant, run the test once with
// OBSERVE_UPDATE_GOLDEN=1 and look at the difference in version control.
#pragma once

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace observe::testing {

inline std::string golden(const std::string& name, const std::string& actual) {
  const std::string path = std::string(OBSERVE_GOLDEN_DIR) + "/" + name;
  if (std::getenv("OBSERVE_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << actual;
  }
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return file ? content.str() : "missing: " + path;
}

}  // namespace observe::testing
