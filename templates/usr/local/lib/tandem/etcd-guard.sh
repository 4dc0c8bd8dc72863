#!/bin/bash
# Refuses to start this node's regular member without its own data: etcd started on an empty folder becomes a new member
# with the old one's identity and none of its promises. An empty folder is right once: when the site is founded, or when
# this machine takes the place of a lost one, which `tandem volume create` notes.
set -eu

root=${TANDEM_ROOT:-}
# shellcheck source=/dev/null
. "$root/etc/tandem/node.env"
data=$root/var/lib/etcd
start=$root/run/tandem/etcd.env
mark="{\"site\":\"$SITE\",\"node\":\"$NODE\"}"

refuse() {
    echo "etcd is not started: $*" >&2
    exit 1
}

# etcd.service starts with etcd.yaml unless this file says otherwise.
rm -f "$start"

[ -d "$data" ] || refuse "$data is missing; \`pulumi up\` makes it"

for wal in "$data"/member/wal/*.wal; do
    [ -e "$wal" ] || continue
    foreign="move it away: mv $data/member $data.foreign"
    [ -e "$data/tandem.json" ] || refuse "$data holds data that Tandem did not make; $foreign"
    found=$(cat "$data/tandem.json")
    [ "$found" = "$mark" ] || refuse "the data in $data is of $found, and this node is $mark; $foreign"
    exit 0
done

rebuild="See \"A node's disk is gone\" in docs/runbook.md"
! [ -e "$STATE/etcd-member" ] ||
    refuse "the member's data is gone from $data, and an empty member would forget what it has promised. $rebuild"
[ -e "$STATE/founding" ] || [ -e "$STATE/joining" ] ||
    refuse "$data holds no member, and this node was not part of founding the site. $rebuild"
if [ -e "$STATE/joining" ]; then
    mkdir -p "${start%/*}"
    echo CONFIG=joining.yaml >"$start"
fi

printf '%s\n' "$mark" >"$data/.tandem.json"
sync "$data/.tandem.json"
mv "$data/.tandem.json" "$data/tandem.json"
sync "$data"
