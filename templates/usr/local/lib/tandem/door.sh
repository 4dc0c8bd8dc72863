#!/bin/bash
# The door: two routing rules that drop etcd's peer traffic with the sibling, in both directions, existing connections too.
#   door.sh close    in force when this succeeds
#   door.sh boot     the same, once per boot: noted under /run, and etcd is started if an earlier failure of this kept it down
#   door.sh open     gone when this succeeds
#   door.sh status   one word: closed, open, or half (one rule of the two: neither shut nor open)
set -u

root=${TANDEM_ROOT:-}
# shellcheck source=/dev/null
. "$root/etc/tandem/node.env" || exit 1

status() {
    local rules rule found=0
    rules=$(ip rule show) || return 1
    while read -r rule; do
        case $rule in
            2380:*"from all to $SIBLING_BACKEND ipproto tcp dport 2380-2382 blackhole"*) found=$((found | 1)) ;;
            2381:*"from all to $SIBLING_BACKEND ipproto tcp sport 2380-2382 blackhole"*) found=$((found | 2)) ;;
        esac
    done <<<"$rules"
    case $found in
        0) echo open ;;
        3) echo closed ;;
        *) echo half ;;
    esac
}

# Rules of another protocol than `kernel` are removed by systemd-networkd as not its own. Forced: a rule that is already
# there, or already gone, must not keep the other from being changed. What counts is what is read back.
change() {
    local said now
    said=$(printf 'rule %s blackhole to %s ipproto tcp %s 2380-2382 protocol kernel pref %s\n' \
        "$1" "$SIBLING_BACKEND" dport 2380 "$1" "$SIBLING_BACKEND" sport 2381 | ip -force -batch - 2>&1)
    now=$(status) || now=unreadable
    [ "$now" = "$2" ] && return
    echo "the door is $now, not $2${said:+: $said}" >&2
    return 1
}

# What required the door at boot is not started again by systemd when the door comes late.
boot() {
    change add closed || return 1
    ! systemctl --quiet is-enabled etcd.service || systemctl --no-block start etcd.service || return 1
    touch "$root/run/tandem-door"
}

case ${1:-} in
    boot) boot ;;
    close) change add closed ;;
    open) change del open ;;
    status) status ;;
    *)
        echo "door.sh knows boot, close, open and status, not '${1:-}'" >&2
        exit 1
        ;;
esac
