#include "app/doctor.h"

#include "support/catch.h"

namespace observe::app {

TEST_CASE("a machine with everything can be observed") {
  const std::vector<Capability> all{{"BTF", true, true, "/sys/kernel/btf/vmlinux", ""},
                                    {"schedstats", false, false, "off", "no harm"}};
  CHECK(can_observe(all));
  const std::string text = doctor_text(all, {});
  CHECK(text ==
        "ok        BTF         /sys/kernel/btf/vmlinux\n"
        "without   schedstats  off\n"
        "                      no harm\n"
        "\n"
        "This machine can be observed.\n");
}

TEST_CASE("what is missing is said with how to get it, wrapped to the terminal") {
  const std::vector<Capability> some{{"CAP_BPF", false, true, "not effective",
                                      "run with sudo, or give the program CAP_BPF and "
                                      "CAP_PERFMON with setcap"}};
  CHECK_FALSE(can_observe(some));
  CHECK(doctor_text(some, {.columns = 50}) ==
        "missing   CAP_BPF  not effective\n"
        "                   run with sudo, or give the\n"
        "                   program CAP_BPF and CAP_PERFMON\n"
        "                   with setcap\n"
        "\n"
        "This machine cannot be observed as it is.\n");
}

}  // namespace observe::app
