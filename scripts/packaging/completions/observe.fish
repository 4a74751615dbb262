# fish completion for observe(1). Names and options are the program's own answers.

function __observe_workloads
    observe list 2>/dev/null | string replace -rf '^ *([a-z][a-z0-9-]*)  +(.*)' '$1\t$2'
end

# The workload that the command line names, if it does.
function __observe_workload
    set -l words (commandline -opc)
    set -l at (contains -i -- --workload $words)
    if test -n "$at"; and test $at -lt (count $words)
        echo $words[(math $at + 1)]
    end
end

function __observe_options
    set -l what
    set -l words (commandline -opc)
    if test (count $words) -gt 1; and contains -- $words[2] list explain report doctor
        set what $words[2]
    else if set -l workload (__observe_workload)
        set what --workload $workload
    end
    observe $what --help 2>/dev/null | string match -arg -- '^ +(--[a-z][a-z0-9-]*)' | sort -u
end

# What the option before the cursor may be, where it is one of the workload's.
function __observe_choices
    set -l words (commandline -opc)
    set -l workload (__observe_workload)
    test -n "$workload"; and string match -q -- '--?*' $words[-1]; or return 1
    set -l option (string replace -- -- '' $words[-1])
    set -l choices (observe list --json 2>/dev/null |
        awk -v workload="\"$workload\"," -v option="\"$option\"," '
            /^    "name": / { ours = $2 == workload }
            /^        "name": / { it = ours && $2 == option }
            it && /^          "/ { gsub(/[ ",]/, ""); print }')
    test -n "$choices"; or return 1
    printf '%s\n' $choices
end

complete -c observe -f
complete -c observe -n __fish_use_subcommand -a 'list explain report doctor'
complete -c observe -n 'string match -q -- "-*" (commandline -ct)' -a '(__observe_options)'
complete -c observe -n '__observe_choices >/dev/null' -a '(__observe_choices)'
complete -c observe -l workload -x -a '(__observe_workloads)'
complete -c observe -n '__fish_seen_subcommand_from explain' -a '(__observe_workloads)'
complete -c observe -n '__fish_seen_subcommand_from report' -F
complete -c observe -l pid -x -a '(__fish_complete_pids)'
complete -c observe -l color -x -a 'auto always never'
complete -c observe -l json -r -F
complete -c observe -l output -r -F
complete -c observe -n 'contains -- -- (commandline -opc)' -x -a '(__fish_complete_subcommand --fcs-skip=2)'
