import { existsSync } from "node:fs";
import { appendFile, chmod, cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { cachePath, fingerprint, scratchFolder } from "./cache.ts";
import { debianMirror, keyring } from "./debian.ts";
import type { Kernel } from "./kernel.ts";
import type { LabKeys } from "./keys.ts";
import { CommandError, type RunOptions, run } from "./process.ts";
import { step } from "./progress.ts";

export type Suite = "trixie" | "bookworm";

/** Raise it when the code below changes what is in an image. */
const buildVersion = "2";

/** Guests have no way to an archive, so what the product would install on a real node is here already, etcd excepted. */
const packages = [
  ...["systemd", "systemd-sysv", "udev", "dbus", "openssh-server", "kmod", "procps", "psmisc", "e2fsprogs", "iptables"],
  ...["iproute2", "iputils-ping", "iputils-arping", "dmsetup", "ca-certificates", "openssl", "curl", "jq"],
  ...["drbd-utils", "haproxy", "keepalived", "nginx-light", "libnginx-mod-http-dav-ext", "nodejs"],
  ...["containerd", "runc", "containernetworking-plugins"],
];

const disabledUnits = [
  ...["nginx.service", "keepalived.service", "drbd.service", "systemd-networkd.service", "e2scrub_reap.service"],
  ...["containerd.service", "haproxy.service"],
  ...["apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "fstrim.timer"],
];
const maskedUnits = [
  ...["getty@tty1.service", "console-getty.service", "serial-getty@tty0.service", "getty.target"],
  "systemd-random-seed.service",
];

const guestFiles = join(import.meta.dirname, "guest");

/**
 * The root disk of a suite, which guests use through copy-on-write files. Its name holds a hash of all that determines
 * it: a copy-on-write file over another image than its own is a corrupt disk. The caller holds the build lock.
 */
export async function ensureImage(suite: Suite, kernel: Kernel, keys: LabKeys): Promise<string> {
  const image = cachePath(`image-${suite}-${await imageFingerprint(kernel, keys)}.ext4`);
  if (existsSync(image) && (await isSound(image))) return image;
  await step(`build the ${suite} guest image`, async (note) => {
    const scratch = scratchFolder(`image-${suite}`);
    const root = `${scratch}/root`;
    const onOutput = (text: string) => note(text.trim().split("\n").at(-1) ?? "");
    const source = `deb [signed-by=${keyring}] ${await debianMirror()} ${suite} main`;
    // In namespaces of its own: not even a killed build leaves a process or a mount behind.
    const apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child"];
    const options = ["--variant=minbase", `--include=${packages.join(",")}`];
    for (const unread of ["doc", "man", "locale"]) options.push(`--dpkgopt=path-exclude=/usr/share/${unread}/*`);
    await run([...apart, "mmdebstrap", ...options, suite, root, source], { timeoutMs: 900_000, onOutput });
    await customise(root, kernel, keys);
    await makeDisk(root, `${scratch}/disk`, "6G");
    await rename(`${scratch}/disk`, image);
    await rm(scratch, { recursive: true });
  });
  return image;
}

/** A read-only ext4 disk with the files of a folder. The caller holds the build lock. */
export async function ensureBundleDisk(folder: string): Promise<string> {
  const contents: string[] = [];
  let bytes = 0;
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const file of files.sort()) {
    const { stdout } = await run(["sha256sum", file], { timeoutMs: 120_000 });
    contents.push(stdout.slice(0, 64), relative(folder, file));
    bytes += (await stat(file)).size;
  }
  const disk = cachePath(`bundle-${fingerprint(...contents)}.ext4`);
  if (existsSync(disk) && (await isSound(disk))) return disk;
  await step("build the bundle disk", async () => {
    const scratch = scratchFolder("bundle-disk");
    await makeDisk(folder, `${scratch}/disk`, `${Math.ceil((1.05 * bytes) / 2 ** 20) + 64}M`);
    await rename(`${scratch}/disk`, disk);
    await rm(scratch, { recursive: true });
  });
  return disk;
}

async function imageFingerprint(kernel: Kernel, keys: LabKeys): Promise<string> {
  const parts = [buildVersion, kernel.release, keys.clientPublicKey, keys.hostPublicKey];
  parts.push(packages.join(), disabledUnits.join(), maskedUnits.join());
  for (const file of (await readdir(guestFiles, { recursive: true, withFileTypes: true })).filter((e) => e.isFile())) {
    const path = join(file.parentPath, file.name);
    parts.push(path.slice(guestFiles.length), await readFile(path, "utf8"));
  }
  return fingerprint(...parts);
}

async function customise(root: string, kernel: Kernel, keys: LabKeys): Promise<void> {
  const inRoot = (argv: string[], options?: RunOptions) => run(["chroot", root, ...argv], options);
  await cp(kernel.modules, `${root}/usr/lib/modules`, { recursive: true });
  await inRoot(["depmod", kernel.release]);
  await cp(guestFiles, root, { recursive: true });
  // Present but empty: each guest makes its own, without the presets that a first boot would apply.
  await writeFile(`${root}/etc/machine-id`, "");
  await writeFile(`${root}/etc/resolv.conf`, "");
  await rm(`${root}/etc/hostname`, { force: true });
  for (const file of await readdir(`${root}/etc/ssh`))
    if (file.startsWith("ssh_host_")) await rm(`${root}/etc/ssh/${file}`);
  await cp(keys.hostKeyFile, `${root}/etc/ssh/ssh_host_ed25519_key`);
  await chmod(`${root}/etc/ssh/ssh_host_ed25519_key`, 0o600);
  await mkdir(`${root}/root/.ssh`, { recursive: true, mode: 0o700 });
  await appendFile(`${root}/root/.ssh/authorized_keys`, `${keys.clientPublicKey} lab\n`, { mode: 0o600 });
  await mkdir(`${root}/opt/bundle`);
  await inRoot(["systemctl", "-q", "enable", "lab-net.service", "lab-cpuinfo.service", "ssh.service"]);
  // A unit that this suite does not have cannot be disabled, and need not be.
  for (const unit of disabledUnits) await inRoot(["systemctl", "-q", "disable", unit], { check: false });
  await inRoot(["systemctl", "-q", "mask", ...maskedUnits]);
  await inRoot(["systemctl", "-q", "set-default", "multi-user.target"]);
  // Newer than /usr: nothing is left for a first boot to bring up to date.
  for (const folder of ["etc", "var"]) await writeFile(`${root}/${folder}/.updated`, "");
}

async function makeDisk(folder: string, disk: string, size: string): Promise<void> {
  await run(["mke2fs", "-q", "-t", "ext4", "-E", "root_owner=0:0", "-d", folder, disk, size], { timeoutMs: 300_000 });
}

async function isSound(disk: string): Promise<boolean> {
  try {
    await run(["e2fsck", "-n", "-f", disk], { timeoutMs: 120_000 });
    return true;
  } catch (error) {
    if (error instanceof CommandError) return false;
    throw error;
  }
}
