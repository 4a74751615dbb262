# fish completion for observe(1). Names and options are the program's own answers.

function __observe_workloads
    observe list 2>/dev/null | string replace -rf '^ *([a-z][a-z0-9-]*)  +(.*)' '$1\t$2'
end

function __observe_options
    set -l words (commandline -opc)
    set -l at (contains -i -- --workload $words)
    set -l workload
    if test -n "$at"; and test $at -lt (count $words)
        set workload --workload $words[(math $at + 1)]
    end
    observe $workload --help 2>/dev/null | string match -ar -- '(?<=^|[ ,])--[a-z][a-z0-9-]*' | sort -u
end

complete -c observe -f
complete -c observe -n __fish_use_subcommand -a 'list explain report doctor'
complete -c observe -n 'string match -q -- "-*" (commandline -ct)' -a '(__observe_options)'
complete -c observe -l workload -x -a '(__observe_workloads)'
complete -c observe -n '__fish_seen_subcommand_from explain' -a '(__observe_workloads)'
complete -c observe -n '__fish_seen_subcommand_from report' -F
complete -c observe -l pid -x -a '(__fish_complete_pids)'
complete -c observe -l color -x -a 'auto always never'
complete -c observe -l json -r -F
complete -c observe -l output -r -F
complete -c observe -n 'contains -- -- (commandline -opc)' -x -a '(__fish_complete_subcommand --fcs-skip=2)'
