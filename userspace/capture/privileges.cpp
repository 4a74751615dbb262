#include "capture/privileges.h"

#include <linux/capability.h>

namespace observe {

CapabilitySet capabilities_until_stop(const Identity& user) {
  const auto bit = [](int capability) { return CapabilitySet{1} << capability; };
  CapabilitySet kept = bit(CAP_SETUID) | bit(CAP_SETGID) | bit(CAP_KILL) | bit(CAP_BPF);
  if (user.is_root()) kept |= bit(CAP_DAC_OVERRIDE);
  return kept;
}

Result<void> drop_capabilities(const Identity& user) {
  return keep_capabilities(capabilities_until_stop(user));
}

}  // namespace observe
