import type { Guest } from "../lab/guest.ts";

/** Where the product keeps something on a machine; the data are not among these. */
const places = [
  "/etc/tandem*",
  "/usr/local/lib/tandem",
  "/usr/local/sbin/tandem",
  "/usr/local/bin/etcd*",
  "/etc/drbd.d/etcd-t.res",
  "/etc/nginx/conf.d/tandem*",
  "/etc/haproxy/tandem*",
  "/etc/systemd/system/*etcd*",
  "/etc/systemd/system/*tandem*",
  "/etc/systemd/system/*/*etcd*",
  "/etc/systemd/system/*/*tandem*",
  "/run/tandem*",
];

/** Files, processes, rules and mounts that the product left on a machine; empty after destroy. */
export async function leftovers(guest: Guest): Promise<string[]> {
  const looks = [
    `ls -d ${places.join(" ")} 2>/dev/null`,
    // Node calls its thread so. A worker of the kernel bears the name of what it worked for last.
    "pgrep -l 'etcd|node|MainThread' | grep -v ' kworker/'",
    "ip rule show | grep blackhole",
    "grep -E 'tandem|etcd|drbd' /proc/mounts",
    // Not the devices: what udev knows of a label follows when it has looked again.
    "systemctl list-units --all --plain --no-legend --type=service,mount,socket,target,timer '*etcd*' '*tandem*'",
    "test -e /sys/class/block/drbd10/size && grep -qvx 0 /sys/class/block/drbd10/size && echo drbd10 is up",
  ];
  const seen = await Promise.all(looks.map((look) => guest.run(look, { check: false })));
  return seen.flatMap(({ stdout }) => stdout.split("\n").filter(Boolean));
}
