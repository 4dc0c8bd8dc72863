#!/bin/bash
# Runs the User Mode Linux kernel in its chroot: start.sh PIDFILE ROOT FILES ARGUMENT...
# Call it in a mount namespace of its own, so that nothing stays mounted. FILES is the folder seen as /lab.
set -euo pipefail
pidfile=$1 root=$2 files=$3
shift 3
# /proc is still the outer one here: in a pid namespace of its own the process reads its number as the host sees it.
read -r pid _ </proc/self/stat
echo "$pid" >"$pidfile"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount -t tmpfs -o size=95% tmpfs "$root/tmp"
mount --bind "$files" "$root/lab"
# A kernel that restarts runs itself again by this name, whose removal makes a restart the end of the guest.
ln -s /linux.uml "$root/tmp/linux.uml"
cd /
exec /usr/bin/env -i HOME=/tmp TMPDIR=/tmp PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$root" /tmp/linux.uml "$@"
