# shellcheck shell=bash
# What the scripts of this folder share. Sourced, never run.

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
program="$(basename "$0")"

# Everything said goes to standard error: standard output belongs to results.
say() { printf '%s: %s\n' "$program" "$*" >&2; }
die() {
  say "$@"
  exit 1
}

is_root() { [ "$(id -u)" -eq 0 ]; }

# Prints the comment at the head of the script, which is its manual.
usage() { awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$root/scripts/$program"; }

# Runs a command as the owner of the checkout. Under sudo nothing in it may end up owned by root,
# or the owner's next build fails; a checkout that root owns is built by root.
as_owner() {
  local uid gid home
  uid="$(stat -c %u "$root")"
  gid="$(stat -c %g "$root")"
  if ! is_root || [ "$uid" -eq 0 ]; then
    "$@"
    return
  fi
  home="$(getent passwd "$uid" | cut -d: -f6)"
  setpriv --reuid="$uid" --regid="$gid" --clear-groups \
    env HOME="${home:-/}" "$@"
}

# Configures build/PRESET unless that was done, and builds targets in it, as the checkout's owner.
# build_preset PRESET [-DNAME=VALUE…] [TARGET…]
build_preset() {
  local preset="$1" options=() targets=()
  shift
  for word in "$@"; do
    case "$word" in
      -*) options+=("$word") ;;
      *) targets+=("$word") ;;
    esac
  done
  as_owner mkdir -p "$root/build"
  (
    cd "$root" || exit 1
    # One build at a time: two starts of scripts/observe would write the same files.
    flock 9
    if [ ! -f "build/$preset/build.ninja" ] || [ ${#options[@]} -gt 0 ]; then
      as_owner cmake --preset "$preset" "${options[@]}" 9>&- || exit 1
    fi
    as_owner cmake --build "build/$preset" ${targets[0]:+--target "${targets[@]}"} 9>&-
  ) 9<"$root/build" >&2
}
