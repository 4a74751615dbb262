// Giving up privileges: for one file, for a child, and for the rest of the observation.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "base/fd.h"
#include "base/identity.h"
#include "base/result.h"

namespace observe {

// A set of capabilities(7): bit N is capability number N (CAP_BPF is 39).
using CapabilitySet = std::uint64_t;

// Effective in the calling thread.
CapabilitySet effective_capabilities();
bool has_capability(int capability);

// Gives up, in the calling thread and for good, everything but `kept`; what it does not have is not
// gained. Capabilities belong to threads: threads made later start with what is left, but those
// that run already keep theirs, so each must call this for itself.
Result<void> keep_capabilities(CapabilitySet kept);

// While it lives the calling thread opens and creates files with the rights of `user` and nothing
// more: no capability is effective, and file-system uid, gid and supplementary groups are the
// user's. Other threads are not affected. Does nothing to the ids when the process is `user`.
class AsUser {
 public:
  static Result<AsUser> enter(const Identity& user);
  AsUser(AsUser&& other) noexcept;
  AsUser& operator=(AsUser&&) = delete;
  // Going back cannot fail for lack of rights, as they are only laid aside; that it did is checked.
  ~AsUser();

 private:
  AsUser() = default;
  void leave();

  bool active_ = false;
  bool ids_changed_ = false;
  CapabilitySet effective_ = 0;
  uid_t fsuid_ = 0;
  gid_t fsgid_ = 0;
  std::vector<gid_t> groups_;
};

// Creates a file that did not exist, as `user`, open for reading and writing; nullopt when the name
// is taken. Neither an existing file nor a symbolic link at its place is ever touched, and
// links on the way lead only where `user` may write. Mode 0644 less the umask.
Result<std::optional<UniqueFd>> open_output(const std::filesystem::path& path,
                                            const Identity& user);

// Becomes `user` for good: groups, all gids, all uids, and no capabilities, each checked
// afterwards. For the process that runs a workload or a command (before it has threads). The kernel
// forgets PR_SET_PDEATHSIG when ids change: it is set again; the caller must then look whether the
// parent lives still. Root stays root, with all that it has, when `user` is root.
Result<void> become_user(const Identity& user);

// What settle_as() takes.
CapabilitySet capabilities_to_settle(const Identity& user);

// For good, in a process whose other threads have ended: becomes `user` with no capabilities, so
// that what is left to be done is done with that user's rights, removing that user's files
// included. Root keeps CAP_DAC_OVERRIDE, without which it could not remove its own from another's
// folder.
Result<void> settle_as(const Identity& user);

}  // namespace observe
