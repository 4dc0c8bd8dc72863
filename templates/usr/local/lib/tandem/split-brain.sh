#!/bin/bash
# DRBD's split-brain handler: both copies hold writes that the other misses. DRBD has dropped the connection and discards
# nothing; the note makes the agent stop and raise an alarm until a person has chosen a copy and deleted it.
set -eu

root=${TANDEM_ROOT:-}
# shellcheck source=/dev/null
. "$root/etc/tandem/node.env"

{
    date --utc --iso-8601=seconds
    drbdsetup show-gi "$MINOR" || true
} >"$STATE/.split-brain" 2>&1
sync "$STATE/.split-brain"
mv "$STATE/.split-brain" "$STATE/split-brain"
sync "$STATE"
