#include "capture/privileges.h"

#include <linux/capability.h>

namespace observe {

CapabilitySet capabilities_until_stop() {
  return CapabilitySet{1} << CAP_BPF | CapabilitySet{1} << CAP_KILL;
}

Result<void> drop_capabilities(CapabilitySet kept) {
  return keep_capabilities(capabilities_until_stop() | kept);
}

}  // namespace observe
