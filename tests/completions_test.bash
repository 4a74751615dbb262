#!/usr/bin/env bash
# What bash completion offers: completions_test.bash COMPLETION_FILE OBSERVE_PROGRAM
set -euo pipefail
# shellcheck source=/dev/null
source "$1"
program=$2
failures=0

# Completes the last word; the reply in one line.
offer() {
  COMP_WORDS=("$program" "$@")
  COMP_CWORD=$#
  COMPREPLY=()
  _observe
  echo " ${COMPREPLY[*]} "
}

expect() { # yes|no WORD LINE...
  local wanted=$1 word=$2 offered found=no
  shift 2
  offered=$(offer "$@")
  if [[ "$offered" == *" $word "* ]]; then found=yes; fi
  if [ "$found" = "$wanted" ]; then return; fi
  echo "observe $*: expected $word to be offered: $wanted; offered:$offered"
  failures=$((failures + 1))
}

expect yes list ''
expect yes doctor d
expect yes --pid --p
expect yes contended-counter --workload ''
expect yes contended-counter explain cont
expect yes --lock --workload contended-counter --
expect yes mutex --workload contended-counter --lock ''
expect yes ticket --workload contended-counter --lock t
expect no mutex --workload contended-counter --lock t
expect no --lock --workload contended-counter --lock ''
expect yes spread --workload contended-counter --place ''
expect no spread --workload contended-counter --lock ''
expect no mutex --workload contended-counter --threads ''
expect yes --json list --
expect no --pid list --
expect no --workload list --
expect no list list ''
expect yes --strict report x.obs --
expect no --pid report x.obs --
expect yes never --color ''

if [ "$failures" -ne 0 ]; then exit 1; fi
