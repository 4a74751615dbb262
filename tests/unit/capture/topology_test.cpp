#include "capture/topology.h"

#include <stdlib.h>

#include <fstream>

#include <fmt/format.h>

#include "support/catch.h"

namespace observe {
namespace {

namespace fs = std::filesystem;

class FakeSys {
 public:
  FakeSys() {
    char name[] = "/tmp/observe-sys-XXXXXX";
    root_ = mkdtemp(name);
  }
  FakeSys(const FakeSys&) = delete;
  FakeSys& operator=(const FakeSys&) = delete;
  ~FakeSys() { fs::remove_all(root_); }

  FakeSys& file(const std::string& path, const std::string& text) {
    const fs::path full = root_ / "devices/system/cpu" / path;
    fs::create_directories(full.parent_path());
    std::ofstream(full) << text;
    return *this;
  }
  FakeSys& folder(const std::string& path) {
    fs::create_directories(root_ / "devices/system/cpu" / path);
    return *this;
  }
  const fs::path& root() const { return root_; }

 private:
  fs::path root_;
};

std::vector<Cpu> cpus(std::initializer_list<int> numbers) {
  std::vector<Cpu> list;
  for (const int number : numbers) list.push_back(static_cast<Cpu>(number));
  return list;
}

}  // namespace

TEST_CASE("CPU lists are read as the kernel writes them") {
  CHECK(parse_cpu_list("0") == cpus({0}));
  CHECK(parse_cpu_list("0-3\n") == cpus({0, 1, 2, 3}));
  CHECK(parse_cpu_list("8,0-1,1") == cpus({0, 1, 8}));
  CHECK(parse_cpu_list("") == cpus({}));
  CHECK(parse_cpu_list("\n") == cpus({}));
}

TEST_CASE("what is no CPU list is refused, however long it claims to be") {
  for (const char* text : {"a", "-", "0-", "-1", "1-0", "0,", ",0", "0 1", "0--1", "0-4294967295",
                           "99999999999", "0-8192", "0\n\n", "0x1"}) {
    INFO("'" << text << "'");
    CHECK_FALSE(parse_cpu_list(text));
  }
  std::string repeated = "0-8000";
  for (int i = 0; i < 1000; ++i) repeated += ",0-8000";
  CHECK_FALSE(parse_cpu_list(repeated));
}

TEST_CASE("two sockets with two-threaded cores, one node and one last-level cache each") {
  FakeSys sys;
  sys.file("possible", "0-7\n").file("online", "0-6\n");
  for (int cpu = 0; cpu < 8; ++cpu) {
    const int socket = cpu / 4, sibling = cpu / 2 * 2;
    const std::string at = fmt::format("cpu{}/", cpu);
    // core_id repeats from socket to socket: it must not be what tells cores apart.
    sys.file(at + "topology/core_id", fmt::format("{}\n", cpu / 2 % 2))
        .file(at + "topology/physical_package_id", fmt::format("{}\n", socket))
        .file(at + "topology/core_cpus_list", fmt::format("{}-{}\n", sibling, sibling + 1))
        .file(at + "cache/index0/level", "1\n")
        .file(at + "cache/index0/type", "Data\n")
        .file(at + "cache/index0/shared_cpu_list", fmt::format("{}-{}\n", sibling, sibling + 1))
        .file(at + "cache/index3/level", "3\n")
        .file(at + "cache/index3/type", "Unified\n")
        .file(at + "cache/index3/shared_cpu_list", socket == 0 ? "0-3\n" : "4-7\n")
        .folder(at + fmt::format("node{}", socket));
  }
  sys.folder("cpufreq").folder("cpuidle");

  CHECK(possible_cpus(sys.root()) == 8);
  const auto topology = read_topology(sys.root());
  REQUIRE(topology.size() == 8);
  CHECK(topology[1].core == topology[0].core);
  CHECK(topology[2].core != topology[0].core);
  CHECK(topology[4].core != topology[0].core);
  CHECK(topology[3].llc == 0);
  CHECK(topology[4].llc == 4);
  CHECK(topology[5].package == 1);
  CHECK(topology[5].node == 1);
  CHECK(topology[6].online);
  CHECK_FALSE(topology[7].online);
}

TEST_CASE("a last-level cache is the highest that holds data") {
  FakeSys sys;
  sys.file("cpu0/cache/index0/level", "2\n")
      .file("cpu0/cache/index0/type", "Unified\n")
      .file("cpu0/cache/index0/shared_cpu_list", "0-1\n")
      .file("cpu0/cache/index1/level", "9\n")
      .file("cpu0/cache/index1/type", "Instruction\n")
      .file("cpu0/cache/index1/shared_cpu_list", "5\n");
  CHECK(read_topology(sys.root()).at(0).llc == 0);
}

TEST_CASE("what sysfs does not say, or says in nonsense, is not known") {
  FakeSys sys;
  sys.file("cpu0/topology/physical_package_id", "-1\n")
      .file("cpu0/topology/core_cpus_list", "many\n")
      .file("cpu0/cache/index0/level", "third\n")
      .folder("cpu0/nodes")
      .folder("cpu99999999999")
      .folder("cpu1x");
  const auto topology = read_topology(sys.root());
  REQUIRE(topology.size() == 1);
  CHECK(topology[0].online);
  CHECK(topology[0].core == -1);
  CHECK(topology[0].package == -1);
  CHECK(topology[0].llc == -1);
  CHECK(topology[0].node == -1);
  CHECK(possible_cpus(sys.root()) == 1);
  CHECK(read_topology("/nonexistent").empty());
}

}  // namespace observe
