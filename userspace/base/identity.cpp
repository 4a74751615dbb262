#include "base/identity.h"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include <fmt/format.h>

#include "base/fd.h"

namespace observe {
namespace {

constexpr std::size_t kMaxDatabaseBytes = std::size_t{16} << 20;

// (id)-1 means "leave as it is" to the kernel: as an id it would keep root.
std::optional<std::uint32_t> parse_id(std::string_view text) {
  std::uint32_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc{} || end != text.data() + text.size() || id == ~std::uint32_t{0}) {
    return std::nullopt;
  }
  return id;
}

// Takes the text up to the separator off the front.
std::string_view next_field(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view field = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return field;
}

bool lists_member(std::string_view members, std::string_view user) {
  while (!members.empty()) {
    if (next_field(members, ',') == user) return true;
  }
  return false;
}

std::string read_database(const char* path) {
  std::string text;
  const UniqueFd file{open(path, O_RDONLY | O_CLOEXEC)};
  char buffer[16384];
  while (file && text.size() < kMaxDatabaseBytes) {
    const ssize_t got = read(file.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(buffer, static_cast<std::size_t>(got));
  }
  return text;
}

}  // namespace

std::vector<gid_t> groups_of(std::string_view user, std::string_view group_file) {
  std::vector<gid_t> groups;
  if (user.empty()) return groups;
  while (!group_file.empty() && groups.size() < NGROUPS_MAX) {
    std::string_view line = next_field(group_file, '\n');  // name:password:gid:member,member…
    if (std::ranges::count(line, ':') != 3) continue;
    next_field(line, ':');
    next_field(line, ':');
    const std::optional<std::uint32_t> gid = parse_id(next_field(line, ':'));
    if (gid && lists_member(line, user)) groups.push_back(*gid);
  }
  std::ranges::sort(groups);
  const auto repeated = std::ranges::unique(groups);
  groups.erase(repeated.begin(), repeated.end());
  return groups;
}

Result<std::optional<Identity>> sudo_caller(uid_t real_uid, const SudoEnvironment& environment,
                                            std::string_view group_file) {
  if (real_uid != 0 || environment.uid == nullptr) return std::optional<Identity>{};
  const std::optional<std::uint32_t> uid = parse_id(environment.uid);
  const std::optional<std::uint32_t> gid =
      environment.gid != nullptr ? parse_id(environment.gid) : std::nullopt;
  if (!uid || !gid) {
    return fail(
        usage_error("tell who called sudo",
                    fmt::format("SUDO_UID is '{}' and SUDO_GID is '{}'", environment.uid,
                                environment.gid != nullptr ? environment.gid : ""),
                    "start observe through sudo, or unset both to run the workload as root"));
  }
  if (*uid == 0) return std::optional<Identity>{};
  Identity caller{.uid = *uid,
                  .gid = *gid,
                  .groups = {},
                  .name = environment.user != nullptr ? environment.user : ""};
  caller.groups = groups_of(caller.name, group_file);
  return std::optional{std::move(caller)};
}

std::optional<Login> login_of(uid_t uid, std::string_view passwd_file) {
  while (!passwd_file.empty()) {
    // name:password:uid:gid:comment:home:shell
    std::string_view line = next_field(passwd_file, '\n');
    if (std::ranges::count(line, ':') != 6) continue;
    const std::string_view name = next_field(line, ':');
    next_field(line, ':');
    if (parse_id(next_field(line, ':')) != uid || name.empty()) continue;
    next_field(line, ':');
    next_field(line, ':');
    const std::string_view home = next_field(line, ':');
    // passwd(5): an empty shell means this one.
    return Login{.name = std::string(name),
                 .home = std::string(home),
                 .shell = line.empty() ? "/bin/sh" : std::string(line)};
  }
  return std::nullopt;
}

void take_login_environment(const Identity& user) {
  if (getuid() != 0 || user.is_root()) return;
  const Login login = login_of(user.uid, read_database("/etc/passwd"))
                          .value_or(Login{.name = user.name, .home = {}, .shell = {}});
  const auto set = [](const char* variable, const std::string& value) {
    if (value.empty() || setenv(variable, value.c_str(), 1) != 0) unsetenv(variable);
  };
  set("HOME", login.home);
  set("USER", login.name);
  set("LOGNAME", login.name);
  set("SHELL", login.shell);
}

Result<Identity> calling_user() {
  // secure_getenv() answers nothing in a program with file capabilities; sudo's has none.
  const SudoEnvironment environment{.uid = secure_getenv("SUDO_UID"),
                                    .gid = secure_getenv("SUDO_GID"),
                                    .user = secure_getenv("SUDO_USER")};
  Result<std::optional<Identity>> caller =
      sudo_caller(getuid(), environment,
                  environment.uid != nullptr ? read_database("/etc/group") : std::string{});
  if (!caller) return fail(std::move(caller.error()));
  if (*caller) return std::move(**caller);
  return Identity{.uid = getuid(), .gid = getgid(), .groups = {}, .name = {}};
}

}  // namespace observe
