#!/bin/bash
# Brings the volume of the transient member up as far as a boot may: attached, not connected. Whether and when the nodes
# connect is the agent's decision.
#   drbd-attach.sh           load DRBD, choose its configuration, attach; nothing to do when it is configured already
#   drbd-attach.sh select    only choose the configuration
set -u
shopt -s extglob

root=${TANDEM_ROOT:-}
# shellcheck source=/dev/null
. "$root/etc/tandem/node.env" || exit 1
renderings=$root/etc/tandem/drbd
chosen=$root/etc/drbd.d/$RESOURCE.res

fail() {
    echo "$*" >&2
    exit 1
}

# drbdadm, which prints the whole command of a child that failed, without the secret in it: this ends up in the journal.
discreet_drbdadm() {
    local said ended=0
    said=$(drbdadm "$@" 2>&1 >/dev/null) || ended=$?
    [ -z "$said" ] || printf '%s\n' "${said//--shared-secret=+([^ ])/--shared-secret=[secret]}" >&2
    return "$ended"
}

# The two versions read different words, and each tool refuses the other's.
choose() {
    local version helper wanted
    modprobe drbd || fail "the kernel module drbd cannot be loaded; install a kernel or a package that brings it"
    helper=$(cat "$root/sys/module/drbd/parameters/usermode_helper") || fail "the parameters of the kernel module drbd cannot be read"
    # With the helper disabled, DRBD 9 takes every promotion for allowed.
    [ "$helper" = /sbin/drbdadm ] ||
        fail "the kernel module drbd calls '$helper' instead of /sbin/drbdadm, so fence-peer would not be asked; remove usermode_helper from /etc/modprobe.d and restart this node"
    version=$(cat "$root/sys/module/drbd/version") || fail 'the version of the loaded kernel module drbd cannot be read'
    case $version in
        8.4.*) line=8.4 ;;
        9.*) line=9 ;;
        *) fail "the kernel module drbd is $version; Tandem knows 8.4 and 9" ;;
    esac
    wanted=$(cd "$renderings" && echo *.res)
    [ -e "$renderings/$line.res" ] ||
        fail "the kernel module drbd is $version, and the site's datastore.drbd.version asks for ${wanted%.res}; load that module, or say auto"
    [ "$(readlink "$chosen")" = "$renderings/$line.res" ] && return
    discreet_drbdadm --config-file="$renderings/$line.res" dump "$RESOURCE" || fail "drbdadm refuses $renderings/$line.res"
    if ! { ln -s -f -n "$renderings/$line.res" "$chosen.tandem-new" && mv -T "$chosen.tandem-new" "$chosen" && sync "${chosen%/*}"; }; then
        fail "$chosen cannot be made a link to $renderings/$line.res"
    fi
}

read_events() {
    events=$(drbdsetup events2 --now "$RESOURCE") || fail "drbdsetup cannot read the state of $RESOURCE"
}

is_configured() {
    [[ $events = *"exists $1 "* ]]
}

# Each step is skipped when an earlier run got that far.
attach() {
    read_events
    is_configured resource || discreet_drbdadm new-resource "$RESOURCE" || fail "the resource $RESOURCE cannot be configured"
    is_configured device || discreet_drbdadm new-minor "$RESOURCE" || fail "the device /dev/drbd$MINOR cannot be made"
    # On DRBD 9 a node without a configured peer is promoted without a question; on 8.4 the peer comes with `connect`.
    if [ "$line" = 9 ]; then
        is_configured connection || discreet_drbdadm new-peer "$RESOURCE" || fail "the peer of $RESOURCE cannot be configured"
        is_configured path || discreet_drbdadm new-path "$RESOURCE" || fail "the path to the peer of $RESOURCE cannot be configured"
    fi
    read_events
    [[ $events = *' disk:Diskless'* ]] || return 0
    discreet_drbdadm attach "$RESOURCE" ||
        fail "the disk of $RESOURCE cannot be attached; if it was replaced, see \"A node's disk is gone\" in docs/runbook.md"
}

choose
[ "${1:-}" = select ] || attach
