#include "base/memory.h"

#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>

#include "support/catch.h"

namespace observe {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kNoLimit = ~std::uint64_t{0};

// A /proc and a /sys of a test's own.
class Machine {
 public:
  Machine() {
    std::string name = (fs::temp_directory_path() / "observe-memory-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    root = name;
  }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  ~Machine() { fs::remove_all(root); }
  void file(const char* path, const std::string& text) const {
    fs::create_directories((root / path).parent_path());
    std::ofstream(root / path) << text;
  }

  fs::path root;
};

}  // namespace

TEST_CASE("without a cgroup's limit it is what the kernel has available") {
  const Machine machine;
  CHECK(available_memory(machine.root) == kNoLimit);
  machine.file("proc/meminfo", "MemTotal:       4000 kB\nMemAvailable:   1000 kB\n");
  CHECK(available_memory(machine.root) == 1000 * 1024);
  machine.file("proc/self/cgroup", "0::/a/b\n");
  machine.file("sys/fs/cgroup/a/b/memory.max", "max\n");
  machine.file("sys/fs/cgroup/a/b/memory.current", "500\n");
  CHECK(available_memory(machine.root) == 1000 * 1024);
}

TEST_CASE("the limit of a cgroup, or of one above it, counts, and files in memory can be dropped") {
  const Machine machine;
  machine.file("proc/meminfo", "MemAvailable: 1000 kB\n");
  machine.file("proc/self/cgroup", "0::/a/b\n");
  machine.file("sys/fs/cgroup/a/b/memory.max", "900000\n");
  machine.file("sys/fs/cgroup/a/b/memory.current", "300000\n");
  machine.file("sys/fs/cgroup/a/b/memory.stat",
               "anon 1\nfile 7\ninactive_file 40000\nactive_file 60000\n");
  CHECK(available_memory(machine.root) == 900'000 - 300'000 + 100'000);
  machine.file("sys/fs/cgroup/a/memory.max", "400000\n");
  machine.file("sys/fs/cgroup/a/memory.current", "350000\n");
  CHECK(available_memory(machine.root) == 50'000);
  machine.file("sys/fs/cgroup/a/memory.current", "450000\n");
  CHECK(available_memory(machine.root) == 0);
}

TEST_CASE("the first version of cgroups counts, too, also where the path is another's") {
  const Machine machine;
  machine.file("proc/meminfo", "MemAvailable: 1000 kB\n");
  machine.file("proc/self/cgroup", "12:cpu,cpuacct:/x\n9:memory:/not/here\nbroken\n\n");
  machine.file("sys/fs/cgroup/memory/memory.limit_in_bytes", "5000\n");
  machine.file("sys/fs/cgroup/memory/memory.usage_in_bytes", "3000\n");
  machine.file("sys/fs/cgroup/memory/memory.stat",
               "inactive_file 1\ntotal_inactive_file 200\ntotal_active_file 300\n");
  CHECK(available_memory(machine.root) == 2500);
}

TEST_CASE("this machine has memory") {
  const std::uint64_t available = available_memory();
  CHECK(available > 0);
  CHECK(available < kNoLimit);
}

}  // namespace observe
