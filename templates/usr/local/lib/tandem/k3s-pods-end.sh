#!/bin/sh
# Ends the pods that k3s leaves running when it stops, and takes away their network, their mounts and the rules that k3s has made in the
# packet filter. Goes on past whatever fails: what it cannot take away is gone with the next boot.
set -u
root=${TANDEM_ROOT:-}
# shellcheck source=/dev/null
. "${0%/*}/pods-leftovers.sh"
cgroups=$root/sys/fs/cgroup
data=$root/var/lib/rancher/k3s
# k3s brings these tools along; the machine's own go first, as they do for k3s.
PATH=$PATH:$data/data/current/bin/aux:$data/data/current/bin

# One that ends again and again is about to start most of the time.
case $(systemctl show --property=ActiveState --value k3s.service) in
    inactive | failed) ;;
    *)
        echo "k3s runs, or is about to, and would start its pods again: systemctl stop k3s" >&2
        exit 1
        ;;
esac

# k3s's container runtime has ended with it, so the kernel is asked, by their control groups, under either name that kubelet gives them.
pods() { find "$cgroups/kubepods" "$cgroups/kubepods.slice" -name cgroup.procs -exec cat {} + 2>/dev/null; }
# One word for each process.
# shellcheck disable=SC2046
kill -s TERM $(pods) 2>/dev/null
wait_until_silent 20 pods
# With the second what held them for the runtime, in k3s's own group.
for group in kubepods kubepods.slice system.slice/k3s.service; do
    [ -e "$cgroups/$group/cgroup.kill" ] && echo 1 >"$cgroups/$group/cgroup.kill"
done
wait_until_silent 5 pods

delete_pod_networks cni0 flannel.1
rm -rf "$root/run/flannel" "$root/var/lib/cni/flannel" "$root/var/lib/cni/networks/cbr0" \
    "$root"/var/lib/cni/results/cbr0-* "$root"/var/lib/cni/results/cni-loopback-*
unmount_below /run/k3s /var/lib/kubelet /var/lib/rancher/k3s

# Of kube-proxy, of the network policies, of the host's ports of pods, and of flannel: their chains, and what leads there.
for family in iptables ip6tables; do
    rules=$("$family-save" 2>/dev/null) || continue
    # Not with echo, which makes something else of a backslash.
    others=$(printf '%s\n' "$rules" | grep -vE '(^:|[ "])(KUBE|CNI|FLANNEL)-')
    [ "$others" = "$rules" ] || printf '%s\n' "$others" | "$family-restore"
done
for set in $(ipset list -name 2>/dev/null | grep '^KUBE-'); do ipset destroy "$set"; done
systemctl --no-block stop kubepods.slice 2>/dev/null
exit 0
