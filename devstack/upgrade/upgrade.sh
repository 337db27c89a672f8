#!/bin/bash
#
# devstack/upgrade/upgrade.sh - the target's server for every API
#
# grenade starts the APIs with the target's own functions, in shells that know
# no plugin. This runs after all of them. It adopts what they wrote and brings
# it under the server that the target's local.conf names; or, where that says
# WSGI_TAKE_OVER=False, it gives every API back to DevStack.
#
# Depends on: grenade's functions, the target's DevStack, devstack/settings,
#             devstack/prepare, devstack/give-back
# Reads:      GRENADE_DIR, TARGET_DEVSTACK_DIR
# Writes:     through the library, or DevStack's own functions
# Exit:       0; 1 failed, the reason above

set -o errexit
here=$(CDPATH='' cd -- "${BASH_SOURCE[0]%/*}/.." && pwd)

# shellcheck source=/dev/null  # grenade's
[[ ! -f "$GRENADE_DIR/grenaderc" ]] || source "$GRENADE_DIR/grenaderc"
# shellcheck source=/dev/null  # grenade's
[[ ! -f "$GRENADE_DIR/functions" ]] || source "$GRENADE_DIR/functions"
for file in stackrc functions lib/apache; do
    # shellcheck source=/dev/null  # DevStack's
    source "$TARGET_DEVSTACK_DIR/$file"
done
# shellcheck source=devstack/settings
source "$here/settings"

# Write what the library has with DevStack's own functions, and start it: they
# choose a port that nobody listens on, so one service follows the other.
# Usage: give_back
function give_back {
    local said line
    local -a lines=() words=()
    # shellcheck source=devstack/give-back
    source "$here/give-back"
    said=$(_wsgi_verb adopt_list) || return
    [[ -n "$said" ]] || return 0
    mapfile -t lines <<< "$said"
    _wsgi_verb adopt_release || return
    for line in "${lines[@]}"; do
        if [[ "$line" == service* ]]; then
            [[ ${#words[@]} -eq 0 ]] || give_back_unit "${words[@]}"
            IFS=$'\x1f' read -r -a words <<< "$line"
        fi
        _wsgi_give_back '' "$line"
    done
    give_back_unit "${words[@]}"
}

# Usage: give_back_unit service CONF APPLICATION URL HTTP SITE UNIT COMMAND
#            GROUP USER ENVIRONMENT
function give_back_unit {
    # one that was never started has no command
    [[ "$8" == *' '* ]] || return 0
    write_uwsgi_user_unit_file "devstack@$7.service" "$8" "$9" "${10}" \
        "${11:-}"
    sudo systemctl enable --now "devstack@$7.service"
}

if [[ "$WSGI_TAKE_OVER" == True ]]; then
    # the target's stack.sh, which would have done it, never ran
    # shellcheck source=devstack/prepare
    source "$here/prepare"
    _wsgi_verb adopt_again
else
    give_back
fi
