#!/bin/bash
# DRBD's before-resync-target handler: this node's copy is about to be overwritten, so it notes, durably and without the
# agent, that it must not win a claim until its sibling has said that both copies are equal again. Exit code 0 lets the
# resync begin; any other makes DRBD drop the connection.
set -eu

root=${TANDEM_ROOT:-}
# shellcheck source=/dev/null
. "$root/etc/tandem/node.env"
notes=$STATE/disarmed
token=$(</proc/sys/kernel/random/uuid)

# The agent takes a name with a leading dot for no note.
printf '%s\n' "$token" >"$notes/.$token"
sync "$notes/.$token"
mv "$notes/.$token" "$notes/$token"
sync "$notes"
