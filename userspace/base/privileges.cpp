#include "base/privileges.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"

namespace observe {
namespace {

struct ThreadCapabilities {
  CapabilitySet effective = 0;
  CapabilitySet permitted = 0;
  CapabilitySet inheritable = 0;
};

CapabilitySet join(std::uint32_t low, std::uint32_t high) {
  return CapabilitySet{high} << 32 | low;
}

// Raw system calls: libcap would be one more dependency, and glibc has no wrappers. They act on the
// calling thread.
ThreadCapabilities read_capabilities() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
  OBSERVE_CHECK(syscall(SYS_capget, &header, data) == 0);
  return {.effective = join(data[0].effective, data[1].effective),
          .permitted = join(data[0].permitted, data[1].permitted),
          .inheritable = join(data[0].inheritable, data[1].inheritable)};
}

bool write_capabilities(const ThreadCapabilities& wanted) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
  for (int word = 0; word < _LINUX_CAPABILITY_U32S_3; ++word) {
    const int shift = 32 * word;
    data[word].effective = static_cast<std::uint32_t>(wanted.effective >> shift);
    data[word].permitted = static_cast<std::uint32_t>(wanted.permitted >> shift);
    data[word].inheritable = static_cast<std::uint32_t>(wanted.inheritable >> shift);
  }
  return syscall(SYS_capset, &header, data) == 0;
}

bool set_effective(CapabilitySet effective) {
  ThreadCapabilities all = read_capabilities();
  all.effective = effective & all.permitted;
  return write_capabilities(all);
}

// The wrappers of glibc would change every thread; the system calls change the calling one.
bool set_thread_groups(const std::vector<gid_t>& groups) {
  return syscall(SYS_setgroups, groups.size(), groups.data()) == 0;
}

// setfsuid(2) and setfsgid(2) report no error: only asking again tells.
bool set_fsuid(uid_t uid) {
  setfsuid(uid);
  return static_cast<uid_t>(setfsuid(~uid_t{0})) == uid;
}

bool set_fsgid(gid_t gid) {
  setfsgid(gid);
  return static_cast<gid_t>(setfsgid(~gid_t{0})) == gid;
}

Result<std::vector<gid_t>> current_groups() {
  for (;;) {
    const int count = getgroups(0, nullptr);
    if (count < 0) return fail(error_from_errno("read the supplementary groups", errno));
    std::vector<gid_t> groups(static_cast<std::size_t>(count));
    const int got = getgroups(count, groups.data());
    if (got == count) return groups;
    if (got < 0 && errno != EINVAL) {
      return fail(error_from_errno("read the supplementary groups", errno));
    }
  }
}

bool ids_are(const Identity& user) {
  uid_t real_uid = 0, uid = 0, saved_uid = 0;
  gid_t real_gid = 0, gid = 0, saved_gid = 0;
  return getresuid(&real_uid, &uid, &saved_uid) == 0 &&
         getresgid(&real_gid, &gid, &saved_gid) == 0 && real_uid == user.uid && uid == user.uid &&
         saved_uid == user.uid && real_gid == user.gid && gid == user.gid && saved_gid == user.gid;
}

}  // namespace

CapabilitySet effective_capabilities() { return read_capabilities().effective; }

bool has_capability(int capability) { return (effective_capabilities() >> capability & 1) != 0; }

Result<void> keep_capabilities(CapabilitySet kept) {
  const ThreadCapabilities had = read_capabilities();
  const ThreadCapabilities wanted{.effective = had.effective & kept,
                                  .permitted = had.permitted & kept,
                                  .inheritable = had.inheritable & kept};
  if (!write_capabilities(wanted)) {
    return fail(error_from_errno("give up capabilities", errno));
  }
  return {};
}

Result<AsUser> AsUser::enter(const Identity& user) {
  AsUser scope;
  scope.effective_ = effective_capabilities();
  scope.fsuid_ = static_cast<uid_t>(setfsuid(~uid_t{0}));
  scope.fsgid_ = static_cast<gid_t>(setfsgid(~gid_t{0}));
  if (user.uid != scope.fsuid_ || user.gid != scope.fsgid_) {
    Result<std::vector<gid_t>> groups = current_groups();
    if (!groups) return fail(std::move(groups.error()));
    scope.groups_ = std::move(*groups);
    scope.active_ = scope.ids_changed_ = true;  // from here on the destructor goes back
    if (!set_thread_groups(user.groups) || !set_fsgid(user.gid) || !set_fsuid(user.uid)) {
      return fail(error_from_errno(fmt::format("act as user {}", user.uid), EPERM,
                                   "this takes CAP_SETUID and CAP_SETGID; run with sudo"));
    }
  }
  // Root itself keeps its capabilities: without CAP_DAC_OVERRIDE it could not write where it may.
  if (!user.is_root()) {
    scope.active_ = true;
    if (!set_effective(0)) return fail(error_from_errno("lay capabilities aside", errno));
  }
  return scope;
}

AsUser::AsUser(AsUser&& other) noexcept
    : active_(std::exchange(other.active_, false)),
      ids_changed_(other.ids_changed_),
      effective_(other.effective_),
      fsuid_(other.fsuid_),
      fsgid_(other.fsgid_),
      groups_(std::move(other.groups_)) {}

AsUser::~AsUser() {
  if (active_) leave();
}

void AsUser::leave() {
  OBSERVE_CHECK(set_effective(effective_));
  if (!ids_changed_) return;
  OBSERVE_CHECK(set_fsuid(fsuid_));
  OBSERVE_CHECK(set_fsgid(fsgid_));
  // Where enter() was refused the groups there is nothing to put back, nor the right to.
  if (!set_thread_groups(groups_)) {
    const Result<std::vector<gid_t>> unchanged = current_groups();
    OBSERVE_CHECK(unchanged && *unchanged == groups_);
  }
  // A change of fsuid moves the file-system capabilities in and out of the effective set.
  OBSERVE_CHECK(set_effective(effective_));
}

Result<std::optional<UniqueFd>> open_output(const std::filesystem::path& path,
                                            const Identity& user) {
  Result<AsUser> scope = AsUser::enter(user);
  if (!scope) return fail(std::move(scope.error()));
  UniqueFd file{open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644)};
  if (file) return std::optional{std::move(file)};
  const int error = errno;
  if (error == EEXIST) return std::optional<UniqueFd>{};
  return fail(error_from_errno(fmt::format("create {}", path.native()), error,
                               "choose another place with --output PREFIX"));
}

Result<void> become_user(const Identity& user) {
  if (user.is_root() && geteuid() == 0) return {};
  const auto refused = [&](const char* step) {
    return fail(error_from_errno(fmt::format("become user {} ({})", user.uid, step), errno));
  };
  int death_signal = 0;
  if (prctl(PR_GET_PDEATHSIG, &death_signal) != 0) return refused("PR_GET_PDEATHSIG");
  if (!ids_are(user)) {
    if (setgroups(user.groups.size(), user.groups.data()) != 0) return refused("setgroups");
    if (setresgid(user.gid, user.gid, user.gid) != 0) return refused("setresgid");
    if (setresuid(user.uid, user.uid, user.uid) != 0) return refused("setresuid");
  }
  if (!write_capabilities({})) return refused("capset");
  const ThreadCapabilities left = read_capabilities();
  OBSERVE_CHECK(ids_are(user));
  OBSERVE_CHECK(left.effective == 0 && left.permitted == 0 && left.inheritable == 0);
  if (death_signal != 0 && prctl(PR_SET_PDEATHSIG, death_signal) != 0) {
    return refused("PR_SET_PDEATHSIG");
  }
  return {};
}

CapabilitySet capabilities_to_settle(const Identity& user) {
  if (user.is_root()) return CapabilitySet{1} << CAP_DAC_OVERRIDE;
  return CapabilitySet{1} << CAP_SETUID | CapabilitySet{1} << CAP_SETGID;
}

Result<void> settle_as(const Identity& user) {
  return user.is_root() ? keep_capabilities(capabilities_to_settle(user)) : become_user(user);
}

}  // namespace observe
