#!/bin/bash
# Refuses to start the transient member T where that could harm: etcd started on an empty folder becomes a new member with
# T's identity and none of its promises, and breaks the cluster. Unknown means refused. Every takeover waits for this
# script, so it starts hardly any other.
set -u

root=${TANDEM_ROOT:-}
# shellcheck source=/dev/null
. "$root/etc/tandem/node.env" || exit 1

refuse() {
    echo "T is not started: $*" >&2
    exit 1
}

mounted=no
while read -r _ _ device _ where _; do
    [ "$where" != "$MOUNTPOINT" ] || mounted=$device
done <"$root/proc/self/mountinfo"
[ "$mounted" != no ] || refuse "$MOUNTPOINT is not mounted"
# 147 is DRBD's registered major number.
[ "$mounted" = "147:$MINOR" ] || refuse "$MOUNTPOINT holds the device $mounted, not 147:$MINOR (/dev/drbd$MINOR)"

events=$(drbdsetup events2 --now "$RESOURCE") || refuse "drbdsetup cannot read the state of $RESOURCE"
[[ $events = *' role:Primary suspended:no'* ]] || refuse "$RESOURCE is not Primary, or its I/O is suspended"
[[ $events = *" disk:UpToDate"* ]] || refuse "this node's copy of $RESOURCE is not UpToDate"
if [[ $events != *' connection:Connected'* ]]; then
    [[ $events = *' connection:StandAlone'* ]] || refuse "$RESOURCE is neither Connected nor StandAlone"
    # shellcheck source=/dev/null
    door=$(. "${BASH_SOURCE[0]%/*}/door.sh" status) || refuse "the door's rules cannot be read"
    [ "$door" = closed ] || refuse "this node is alone and the door is $door, not closed"
fi

sentinel=$(<"$MOUNTPOINT/tandem.json") || refuse "$MOUNTPOINT/tandem.json is missing: this is not a volume that Tandem made"
known='^\{"site":"([a-z0-9-]+)","state":"(new|created)"(,"memberId":"[0-9a-f]{1,16}")?\}$'
[[ $sentinel =~ $known ]] || refuse "$MOUNTPOINT/tandem.json is damaged: $sentinel"
owner=${BASH_REMATCH[1]} state=${BASH_REMATCH[2]}
[ "$owner" = "$SITE" ] || refuse "this volume belongs to the site $owner, and this node to $SITE"
[ -d "$DATA" ] || refuse "$DATA is missing"

# shellcheck disable=SC2153  # of node.env
[ ! -e "$STATE/split-brain" ] || refuse "DRBD reported a split brain, and both copies are kept as they are: $STATE/split-brain"

[ "$state" = created ] || exit 0
for wal in "$DATA"/member/wal/*.wal; do
    [ ! -s "$wal" ] || exit 0
done
refuse "T was created once, and its log $DATA/member/wal is gone; a new start would forget what it has promised. See \"A node's disk is gone\" in docs/runbook.md"
