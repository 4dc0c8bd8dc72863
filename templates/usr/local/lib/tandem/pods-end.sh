#!/bin/sh
# Ends the pods that kubelet leaves running when it stops, and takes away what the container runtime has of them, their network and
# their mounts. Goes on past whatever fails: what it cannot take away is gone with the next boot.
set -u
root=${TANDEM_ROOT:-}
seconds=20

runtime() { ctr --connect-timeout 2s --namespace k8s.io "$@"; }
running() { runtime tasks list --quiet; }

for signal in SIGTERM SIGKILL; do
  for task in $(running); do runtime tasks kill --signal "$signal" --all "$task"; done
  waited=0
  while [ -n "$(running)" ] && [ "$waited" -lt "$seconds" ]; do
    sleep 1
    waited=$((waited + 1))
  done
done
for container in $(runtime containers list --quiet); do runtime containers delete "$container"; done

for namespace in "$root"/run/netns/cni-*; do
  [ -e "$namespace" ] && ip netns delete "${namespace##*/}"
done
ip link show tandem-pods >/dev/null 2>&1 && ip link delete tandem-pods
rm -rf "$root/run/tandem-pods" "$root"/var/lib/cni/results/tandem-pods-* "$root"/var/lib/cni/results/cni-loopback-*

while read -r _ place _; do
  case $place in
    # Away from its place even if it is in use: what is purged there must not be another file system's.
    /var/lib/kubelet/* | /run/containerd/io.containerd.grpc.v1.cri/sandboxes/*) umount "$place" || umount --lazy "$place" ;;
  esac
done <"$root/proc/self/mounts"
# kubelet's control groups, empty by now. Not waited for: this may be part of the machine's shutdown.
systemctl --no-block stop kubepods.slice 2>/dev/null
exit 0
