import type { Guest } from "../../lab/guest.ts";
import type { FaultOf, Node } from "../schedule.ts";
import { answering, type Bench, type Heal, Skipped } from "./fault.ts";

/** Two devices on the data disk of a node, whose tables can be exchanged under what runs on them. */
export const disks = {
  T: { mapper: "lab-t", startMb: 0, sizeMb: 1024 },
  etcd: { mapper: "lab-e", startMb: 1024, sizeMb: 1024 },
} as const;

const sectorsPerMb = 2048;
const device = "/dev/ubdb";
const slowMs = 100;
const fill = "lab-fill";
const healLimitMs = 60_000;

type Table = "linear" | "delay" | "error";

/** The lines of device-mapper that make a disk what it is, slow in its writes, or broken. */
export function table(disk: keyof typeof disks, kind: Table): string {
  const { startMb, sizeMb } = disks[disk];
  const length = sizeMb * sectorsPerMb;
  const place = `${device} ${startMb * sectorsPerMb}`;
  if (kind === "error") return `0 ${length} error`;
  if (kind === "linear") return `0 ${length} linear ${place}`;
  return `0 ${length} delay ${place} 0 ${place} ${slowMs}`;
}

/** Puts the devices under a blank node, at this boot and all others: the regular member's folder and the volume's disk. */
export async function prepareDisks(guest: Guest): Promise<void> {
  const script = [
    "#!/bin/sh",
    "set -e",
    "modprobe -a dm-mod dm-delay",
    ...Object.entries(disks).map(
      ([disk, { mapper }]) => `dmsetup create ${mapper} --table "${table(disk as keyof typeof disks, "linear")}"`,
    ),
    "dmsetup mknodes",
  ];
  const unit = [
    "[Unit]",
    "DefaultDependencies=no",
    "After=systemd-udevd.service systemd-modules-load.service",
    "Before=local-fs-pre.target tandem-drbd.service",
    "Wants=local-fs-pre.target",
    "[Service]",
    "Type=oneshot",
    "RemainAfterExit=yes",
    "ExecStart=/usr/local/sbin/lab-disks",
    "[Install]",
    "WantedBy=sysinit.target",
  ];
  const mount = [
    "[Unit]",
    "DefaultDependencies=no",
    "Requires=lab-disks.service",
    "After=lab-disks.service local-fs-pre.target",
    "Before=local-fs.target etcd.service",
    "[Mount]",
    `What=/dev/mapper/${disks.etcd.mapper}`,
    "Where=/var/lib/etcd",
    "Type=ext4",
    "[Install]",
    "WantedBy=local-fs.target",
  ];
  const write = (path: string, lines: readonly string[]) =>
    guest.run(`cat >${path}`, { input: `${lines.join("\n")}\n` });
  await write("/usr/local/sbin/lab-disks", script);
  await write("/etc/systemd/system/lab-disks.service", unit);
  await write("/etc/systemd/system/var-lib-etcd.mount", mount);
  await guest.run("chmod 755 /usr/local/sbin/lab-disks && systemctl daemon-reload && systemctl start lab-disks");
  // The disk is the lab's own and new.
  await guest.run(`mke2fs -q -t ext4 /dev/mapper/${disks.etcd.mapper} && mkdir -p /var/lib/etcd`);
  await guest.run(
    "systemctl -q enable lab-disks.service var-lib-etcd.mount && systemctl start var-lib-etcd.mount && sync",
  );
}

export async function harmDisk(bench: Bench, { where, disk, how }: FaultOf<"disk">): Promise<Heal> {
  const guest = answering(bench, where);
  if (how === "full") return fillDisk(bench, where, disk);
  if (disk === "root") throw new Error(`the lab can fill a root disk, not make it ${how}`);
  await exchange(guest, disk, how === "slow" ? "delay" : "error");
  if (how === "slow")
    return async () => {
      if (!bench.power.whyDeaf(where)) await exchange(guest, disk, "linear");
    };
  // A file system that met errors stays broken: the machine comes back with a disk that works.
  return async () => {
    await bench.power.cut(where);
    await bench.power.on(where);
  };
}

async function exchange(guest: Guest, disk: keyof typeof disks, kind: Table): Promise<void> {
  const { mapper } = disks[disk];
  // What is under way must not be waited for: on a broken disk it would not end.
  const suspend = `dmsetup suspend --nolockfs --noflush ${mapper}`;
  await guest.run(`${suspend} && dmsetup load ${mapper} --table '${table(disk, kind)}'; dmsetup resume ${mapper}`, {
    timeoutMs: 20_000,
  });
}

const folders = { etcd: "/var/lib/etcd", T: "/var/lib/etcd-transient", root: "/var/lib/tandem" } as const;

async function fillDisk(bench: Bench, where: Node, disk: FaultOf<"disk">["disk"]): Promise<Heal> {
  const guest = answering(bench, where);
  const folder = folders[disk];
  const isThere = disk === "T" ? `mountpoint -q ${folder}` : "true";
  // The blocks that are kept for root are taken as well.
  const rest = `cat /dev/zero >>${folder}/${fill} 2>/dev/null || true`;
  const { code } = await guest.run(
    `${isThere} || exit 9; fallocate -l $(df -B1 --output=avail ${folder} | tail -n 1) ${folder}/${fill}; ${rest}; sync`,
    { check: false, timeoutMs: 60_000 },
  );
  if (code === 9) throw new Skipped(`T's volume is not mounted on ${where}`);
  return () => emptyDisk(bench, where, disk);
}

/** A full volume may have moved to the other node, or wait for a failure to be over. */
async function emptyDisk(bench: Bench, where: Node, disk: FaultOf<"disk">["disk"]): Promise<void> {
  const places: Node[] = disk === "T" ? ["n1", "n2"] : [where];
  const folder = folders[disk];
  const isThere = disk === "T" ? `mountpoint -q ${folder}` : "true";
  await bench.site.until(`room on the ${disk} disk of ${where}`, healLimitMs, async () => {
    for (const place of places) {
      if (bench.power.whyDeaf(place)) continue;
      const command = `${isThere} && rm -f ${folder}/${fill}`;
      const { code } = await bench.lab.guest(place).run(command, { check: false, timeoutMs: 5000 });
      if (code === 0) return true;
    }
    return undefined;
  });
}
