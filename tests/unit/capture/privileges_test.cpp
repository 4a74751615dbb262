#include "capture/privileges.h"

#include <linux/capability.h>

#include "support/catch.h"

namespace observe {

TEST_CASE(
    "once attached, the observer keeps no right to trace, to read or to write others' files") {
  const CapabilitySet kept = capabilities_until_stop();
  for (const int given_up :
       {CAP_PERFMON, CAP_SYS_ADMIN, CAP_SYS_PTRACE, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH,
        CAP_SYS_NICE, CAP_CHOWN, CAP_SETUID, CAP_SYS_MODULE}) {
    INFO("capability " << given_up);
    CHECK((kept >> given_up & 1) == 0);
  }
  CHECK((kept >> CAP_KILL & 1) == 1);
}

}  // namespace observe
