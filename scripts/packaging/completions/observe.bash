# bash completion for observe(1). Names and options are the program's own answers, so that they
# cannot fall behind it.

_observe_workloads() { "$1" list 2>/dev/null | sed -n 's/^ *\([a-z][a-z0-9-]*\)  .*/\1/p'; }

# The options in a help text: PROGRAM [list|explain|report|doctor|--workload NAME]
_observe_options() {
  "$@" --help 2>/dev/null | grep -oE -- '^ +--[a-z][a-z0-9-]*' | tr -d ' ' | sort -u
}

# What an option of a workload may be: PROGRAM WORKLOAD OPTION
_observe_choices() {
  "$1" list --json 2>/dev/null | awk -v workload="\"$2\"," -v option="\"$3\"," '
    /^    "name": / { ours = $2 == workload }
    /^        "name": / { it = ours && $2 == option }
    it && /^          "/ { gsub(/[ ",]/, ""); print }'
}

_observe() {
  local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD - 1]}"
  local program="${COMP_WORDS[0]}" workload='' subcommand='' choices i
  COMPREPLY=()

  for ((i = 1; i < COMP_CWORD; i++)); do
    case "${COMP_WORDS[i]}" in
      --)
        # What follows is a command line of its own.
        if declare -F _command_offset >/dev/null; then
          _command_offset $((i + 1))
        else
          mapfile -t COMPREPLY < <(compgen -A command -A file -- "$current")
        fi
        return
        ;;
      --workload) workload="${COMP_WORDS[i + 1]}" ;;
    esac
  done

  case "$previous" in
    --workload | explain)
      mapfile -t COMPREPLY < <(compgen -W "$(_observe_workloads "$program")" -- "$current")
      return
      ;;
    --pid)
      mapfile -t COMPREPLY < <(compgen -W "$(cd /proc && echo [0-9]*)" -- "$current")
      return
      ;;
    --color)
      mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- "$current")
      return
      ;;
    --json | --output | report)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
      ;;
  esac
  if [ -n "$workload" ] && [[ "$previous" == --?* ]]; then
    choices="$(_observe_choices "$program" "$workload" "${previous#--}")"
    if [ -n "$choices" ]; then
      mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$current")
      return
    fi
  fi
  local words
  if [ "$COMP_CWORD" -gt 1 ]; then
    case "${COMP_WORDS[1]}" in list | explain | report | doctor) subcommand="${COMP_WORDS[1]}" ;; esac
  fi
  words="$(_observe_options "$program" ${subcommand:+"$subcommand"} \
    ${workload:+--workload "$workload"})"
  if [ "$COMP_CWORD" -eq 1 ]; then words+=' list explain report doctor'; fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F _observe observe
