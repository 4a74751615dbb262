// On whose behalf the observer runs: the user who called sudo, or whoever started it.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace observe {

struct Identity {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  // supplementary ones; empty unless another user is to be taken on
  std::string name;           // as sudo calls it; may be empty

  bool is_root() const { return uid == 0; }
};

// What sudo leaves in the environment; a null pointer where a variable is not set.
struct SudoEnvironment {
  const char* uid = nullptr;
  const char* gid = nullptr;
  const char* user = nullptr;
};

// The user who called sudo. The variables count only for a process whose real user is root: anyone
// else may set them to anything. nullopt: nobody called sudo. An Error when they make no sense,
// because running a workload as root for want of a number would be worse than not running it.
Result<std::optional<Identity>> sudo_caller(uid_t real_uid, const SudoEnvironment& environment,
                                            std::string_view group_file);

// The groups of group(5) text that list `user` as a member. Lines that make no sense are skipped.
std::vector<gid_t> groups_of(std::string_view user, std::string_view group_file);

// How login(1) sets the environment of a user.
struct Login {
  std::string name, home, shell;
};

// The user's line of passwd(5) text; nullopt when there is none. Lines that make no sense are
// skipped.
std::optional<Login> login_of(uid_t uid, std::string_view passwd_file);

// For a child that is about to become `user` with sudo's environment, where HOME, USER, LOGNAME and
// SHELL are root's: sets them to the user's. What /etc/passwd does not tell (a user of a directory
// service) is unset, so that programs ask for it themselves and do not take root's. Does nothing
// when no change of user is due.
void take_login_environment(const Identity& user);

// sudo_caller() with this process's environment and /etc/group, else this process's own ids. Groups
// come from the file and not from getgrouplist(3), which needs NSS modules that a static program
// cannot load: groups of a directory service are not seen.
Result<Identity> calling_user();

}  // namespace observe
