#!/bin/sh
# For the scripts that end a node's pods: what outlives a pod's processes, whatever ran it. Each goes on past what fails.
: "${root?is the folder that stands for /}"

# Waits until a command tells nothing, for up to as many seconds.
wait_until_silent() {
    waited=0
    while [ -n "$("$2")" ] && [ "$waited" -lt "$1" ]; do
        sleep 1
        waited=$((waited + 1))
    done
}

delete_pod_networks() {
    for namespace in "$root"/run/netns/cni-*; do
        [ -e "$namespace" ] && ip netns delete "${namespace##*/}"
    done
    for link in "$@"; do
        ip link show "$link" >/dev/null 2>&1 && ip link delete "$link"
    done
}

# The mounts below some folders, the last first, for one may be within another.
unmount_below() {
    tac "$root/proc/self/mounts" | while read -r _ place _; do
        for folder in "$@"; do
            case $place in
                # Away from its place even if it is in use: what is purged there must not be another file system's.
                "$folder"/*) umount "$place" || umount --lazy "$place" ;;
            esac
        done
    done
}
