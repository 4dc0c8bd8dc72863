#!/bin/bash
# Promotes or demotes the volume of the transient member: volume-role.sh primary|secondary.
# drbdadm does the same with one word for all versions, but kills a promotion after five seconds, and fence-peer may take
# longer to say no.
set -eu

root=${TANDEM_ROOT:-}
# shellcheck source=/dev/null
. "$root/etc/tandem/node.env"

case ${1:-} in
    primary | secondary) ;;
    *)
        echo "volume-role.sh knows primary and secondary, not '${1:-}'" >&2
        exit 1
        ;;
esac
read -r version <"$root/sys/module/drbd/version"
case $version in
    8.4.*) drbdsetup "$1" "$MINOR" || exit 1 ;;
    *) drbdsetup "$1" "$RESOURCE" || exit 1 ;;
esac
