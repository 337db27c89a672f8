#!/bin/bash
#
# plugins/printer - prints all that it finds in the shell, in each phase, as
#                   heat, magnum, watcher and tacker do; and exports it
#
# Depends on: nothing
# Reads:      the phase, in $1 and $2; every variable and function
# Writes:     nothing

printf 'printer: %s %s\n' "$1" "${2:-}"
(set -o posix; set)
declare -p
declare -f
export -p
(
    mapfile -t names < <(compgen -v)
    export "${names[@]}"
    env
    bash -c 'printf "printer: a child\n"'
)
