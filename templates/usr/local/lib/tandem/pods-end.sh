#!/bin/sh
# Ends the pods that kubelet leaves running when it stops, and takes away what the container runtime has of them, their network and
# their mounts. Goes on past whatever fails: what it cannot take away is gone with the next boot.
set -u
root=${TANDEM_ROOT:-}
# shellcheck source=/dev/null
. "${0%/*}/pods-leftovers.sh"

runtime() { ctr --connect-timeout 2s --namespace k8s.io "$@"; }
running() { runtime tasks list --quiet; }

for signal in SIGTERM SIGKILL; do
    for task in $(running); do runtime tasks kill --signal "$signal" --all "$task"; done
    wait_until_silent 20 running
done
for container in $(runtime containers list --quiet); do runtime containers delete "$container"; done

delete_pod_networks tandem-pods
rm -rf "$root/run/tandem-pods" "$root"/var/lib/cni/results/tandem-pods-* "$root"/var/lib/cni/results/cni-loopback-*
unmount_below /var/lib/kubelet /run/containerd/io.containerd.grpc.v1.cri/sandboxes
# kubelet's control groups, empty by now. Not waited for: this may be part of the machine's shutdown.
systemctl --no-block stop kubepods.slice 2>/dev/null
exit 0
