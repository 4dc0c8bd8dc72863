#!/bin/sh
# Makes the token and the empty tree of a site together, once for each time its storage came up empty.
#   witness-tree.sh tmpfs|disk <folder of the site>
# A tree that exists is left as it is: a second token over the same claims, or the same token over fewer, would let a
# second node win what the first has won.
set -eu

storage=$1
tree=$2
web_user=www-data

fail() {
    echo "<3>$tree: $*" >&2
    exit 1
}

require_storage() {
    case $storage in
        tmpfs)
            [ "$(findmnt --noheadings --output FSTYPE --mountpoint "$tree" || true)" = tmpfs ] ||
                fail 'is no mounted tmpfs; start its mount unit'
            ;;
        disk)
            options=,$(findmnt --noheadings --output OPTIONS --target "$tree"),
            for option in sync dirsync; do
                case $options in
                    *,"$option",*) ;;
                    *) fail "lies on a file system mounted without $option; claims could be lost with the power: mount it with sync,dirsync" ;;
                esac
            done
            ;;
        *) fail "the storage is tmpfs or disk, not '$storage'" ;;
    esac
}

make_tree() {
    token=$(tr -d '-' </proc/sys/kernel/random/uuid)
    install -d -m 0755 "$tree/$token"
    install -d -m 0755 -o "$web_user" -g "$web_user" "$tree/$token/staging" "$tree/$token/claims"
    printf %s "$token" >"$tree/.incarnation.new"
    chmod 0644 "$tree/.incarnation.new"
    # The token appears last: whoever reads it finds the whole tree.
    mv "$tree/.incarnation.new" "$tree/incarnation"
}

require_storage
install -d -m 0700 -o "$web_user" -g "$web_user" "$tree/.body"
if [ ! -e "$tree/incarnation" ]; then
    for claims in "$tree"/*/claims; do
        [ ! -e "$claims" ] || [ -z "$(ls -A "$claims")" ] ||
            fail "holds claims in $claims and no token; stop both nodes' agents, empty the folder by hand and start this again"
    done
    # What an interrupted run left was never announced.
    find "$tree" -mindepth 1 -maxdepth 1 ! -name .body ! -name lost+found -exec rm -rf {} +
    make_tree
fi
