import { spawnSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { atExit } from "./cleanup.ts";
import { run } from "./process.ts";
import { step } from "./progress.ts";

/** What the lab itself runs on the host, and the daemons whose own parsers check rendered files. */
export const hostPackages = [
  "curl",
  "debian-archive-keyring",
  "drbd-utils",
  "e2fsprogs",
  "gcc",
  "haproxy",
  "iproute2",
  "iputils-ping",
  "keepalived",
  "libc6-dev",
  "libnginx-mod-http-dav-ext",
  "mmdebstrap",
  "nftables",
  "nginx-light",
  "openssh-client",
  "openssh-server",
  "openssl",
  "shellcheck",
  "util-linux",
] as const;

/** Units that these packages enable and that nobody asked to have on this machine. */
const units = ["drbd.service", "haproxy.service", "keepalived.service", "nginx.service", "ssh.service"];
const policy = "/usr/sbin/policy-rc.d";

/** Installs the host packages that are missing. Starts none of their services and leaves none enabled. */
export async function ensurePackages(): Promise<void> {
  const missing: string[] = [];
  for (const name of hostPackages) {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own format
    const { stdout } = await run(["dpkg-query", "-W", "-f", "${db:Status-Status}", name], { check: false }).catch(
      () => ({ stdout: "" }),
    );
    if (stdout !== "installed") missing.push(name);
  }
  if (missing.length === 0) return;
  await requireDebianRoot(missing);
  await step(`install Debian packages: ${missing.join(" ")}`, (note) => installWithoutStarting(missing, note));
}

/** @throws if this machine cannot run the lab at all; the message says what to do. */
export function requireRoot(): void {
  if (process.getuid?.() !== 0)
    throw new Error("the lab needs root for network namespaces and disk images: run the same command with sudo -E");
}

async function requireDebianRoot(missing: string[]): Promise<void> {
  const release = await readFile("/etc/os-release", "utf8").catch(() => "");
  if (!/^ID(_LIKE)?=.*debian/m.test(release))
    throw new Error(
      `the lab needs a Debian machine (amd64); this one has no Debian in /etc/os-release. Missing programs: ${missing.join(", ")}`,
    );
  if (process.getuid?.() !== 0)
    throw new Error(`not root, and Debian packages are missing. Run: sudo apt-get install ${missing.join(" ")}`);
}

async function installWithoutStarting(names: string[], note: (text: string) => void): Promise<void> {
  const before = new Set(enabledUnits());
  const ownPolicy = !existsSync(policy);
  const restore = () => {
    if (ownPolicy) rmSync(policy, { force: true });
    for (const unit of enabledUnits()) if (!before.has(unit)) spawnSync("systemctl", ["disable", "-q", unit]);
  };
  // Left behind by a Ctrl-C, the policy would keep every service of this machine from being started by its package.
  const forget = atExit(restore);
  // invoke-rc.d asks this program before it starts a service; 101 means "not allowed".
  if (ownPolicy) writeFileSync(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    const install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", ...names];
    const options = {
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      timeoutMs: 600_000,
      onOutput: (text: string) => note(text.trim().split("\n").at(-1) ?? ""),
    };
    const first = await run(install, { ...options, check: false });
    if (first.code === 0) return;
    // The usual cause: package lists that are absent or old.
    await run(["apt-get", "update", "-q"], { ...options, check: false });
    await run(install, options);
  } finally {
    restore();
    forget();
  }
}

/** None where there is no systemd. */
function enabledUnits(): string[] {
  const state = (unit: string) => spawnSync("systemctl", ["is-enabled", unit], { encoding: "utf8" }).stdout ?? "";
  return units.filter((unit) => state(unit).trim() === "enabled");
}
