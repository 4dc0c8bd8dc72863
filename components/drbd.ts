import * as pulumi from "@pulumi/pulumi";
import type { FileSet, UnitSpec } from "./cli/apply/bundle-type.ts";
import type { VolumeOrder } from "./cli/volume/order.ts";
import type { DrbdConfig, NodeConfig } from "./config/site-config.ts";
import { clientUrl, peerUrl } from "./etcd/config.ts";
import type { Host } from "./host.ts";
import { readTemplate, render } from "./render.ts";

export interface DrbdArgs {
  /** Node one, then node two. */
  readonly hosts: readonly [Host, Host];
  readonly plan: VolumePlan;
  /** By which the two DRBDs know each other; 16 to 63 letters, digits, _ and -. */
  readonly secret: pulumi.Output<string>;
}

export interface VolumePlan {
  readonly site: string;
  readonly nodes: readonly [VolumeNode, VolumeNode];
  readonly drbd: DrbdConfig;
  /** etcd's --quota-backend-bytes. */
  readonly quotaBackendBytes: number;
  /** Whether destroying also erases the volume. */
  readonly purge: boolean;
}

export type VolumeNode = Pick<NodeConfig, "name" | "frontend" | "backend" | "disk">;

const mebibyte = 2 ** 20;

/** The volume `etcd-t` under T: configured on both nodes, created, and left to the agents, attached and not connected. */
export class Drbd extends pulumi.ComponentResource {
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, { hosts, plan, secret }: DrbdArgs, opts: pulumi.ComponentResourceOptions) {
    super("tandem:drbd:Drbd", name, {}, opts);
    const steps = ([0, 1] as const).map((index) => {
      const secrets = hosts[index].push("drbd", secret.apply(secretFiles), { parent: this, secret: true });
      const files = hosts[index].push("drbd", volumeFiles(plan), { parent: this, dependsOn: [secrets] });
      const order = volumeOrder(plan, index);
      // Each waits for the other, so they must run at the same time.
      return hosts[index].run("volume", "volume create", order, {
        parent: this,
        dependsOn: [files],
        undo: "volume destroy",
      });
    });
    const [one, two] = hosts;
    const site = { site: plan.site };
    const synced = one.run("volume-first-sync", "volume first-sync", site, { parent: this, dependsOn: steps });
    const settled = two.run("volume-settle", "volume settle", site, { parent: this, dependsOn: [synced] });
    this.ready = [settled];
    this.registerOutputs();
  }
}

/** The least disk under the volume: twice the quota for a defragmentation, etcd's log, and a fifth more. */
export function volumeBytes(quotaBackendBytes: number): number {
  const walSegments = 5 + 2;
  const bytes = (2 * quotaBackendBytes + walSegments * 64 * mebibyte) * 1.2;
  // Whole mebibytes, as messages tell them.
  return Math.ceil(bytes / mebibyte) * mebibyte;
}

export function volumeOrder({ site, nodes, drbd, quotaBackendBytes, purge }: VolumePlan, index: 0 | 1): VolumeOrder {
  const own = nodes[index];
  const sibling = nodes[index === 0 ? 1 : 0];
  return {
    site,
    node: own.name,
    sibling: sibling.name,
    index,
    siblingEtcd: clientUrl(sibling),
    peerUrl: peerUrl(own),
    disk: own.disk,
    minor: drbd.minor,
    port: drbd.port,
    bytes: volumeBytes(quotaBackendBytes),
    resyncKibibytesPerSecond: resyncKibibytesPerSecond(drbd),
    purge,
  };
}

function resyncKibibytesPerSecond({ resyncRateBytesPerSecond }: DrbdConfig): number {
  return Math.round(resyncRateBytesPerSecond / 1024);
}

/** The volume's description in the words of one DRBD. */
export function renderResource(
  { nodes, drbd }: { readonly nodes: readonly Omit<VolumeNode, "frontend">[]; readonly drbd: DrbdConfig },
  version: "8.4" | "9",
): string {
  return render(`etc/tandem/drbd/${version}.res.hbs`, {
    minor: drbd.minor,
    port: drbd.port,
    resyncKibibytesPerSecond: resyncKibibytesPerSecond(drbd),
    nodes: nodes.map(({ name, backend, disk }) => ({ name, backend, disk })),
  });
}

/** Everything but the secret, the same on both nodes; pure. */
export function volumeFiles(plan: VolumePlan): FileSet {
  const { drbd } = plan;
  const versions = drbd.version === "auto" ? (["8.4", "9"] as const) : [drbd.version];
  const scripts = ["fence-peer", "before-resync-target", "split-brain", "drbd-attach", "volume-role"];
  const unit = (content: string) => ({ mode: "0644", content });
  const mount = "var-lib-etcd\\x2dtransient.mount";
  return {
    packages: ["drbd-utils", ...(drbd.package === undefined ? [] : [drbd.package])],
    modules: ["drbd"],
    directories: { "/etc/tandem/drbd": { mode: "0755" } },
    files: {
      "/etc/drbd.d/global_common.conf": {
        mode: "0644",
        content: readTemplate("etc/drbd.d/global_common.conf"),
        takeOver: true,
        check: "drbd",
      },
      // Which of them is in force is decided on the node, by the module that its kernel has.
      ...Object.fromEntries(
        versions.map((version) => [
          `/etc/tandem/drbd/${version}.res`,
          { mode: "0644", content: renderResource(plan, version), check: `drbd-${version}` as const },
        ]),
      ),
      ...Object.fromEntries(
        scripts.map((name) => [
          `/usr/local/lib/tandem/${name}.sh`,
          { mode: "0755", content: readTemplate(`usr/local/lib/tandem/${name}.sh`) },
        ]),
      ),
      "/etc/systemd/system/tandem-drbd.service": unit(readTemplate("etc/systemd/system/tandem-drbd.service")),
      "/etc/systemd/system/etcd-transient-volume.service": unit(
        readTemplate("etc/systemd/system/etcd-transient-volume.service"),
      ),
      [`/etc/systemd/system/${mount}`]: unit(render(`etc/systemd/system/${mount}.hbs`, { minor: drbd.minor })),
    },
    units: [...distributionUnits, { name: "tandem-drbd.service", enable: true }],
  };
}

/**
 * They connect, promote, disconnect gracefully, which outdates the sibling's copy, or reboot by themselves. Of newer releases udev
 * starts the graceful ones with the first device, so that a shutdown or a restart of the network runs their second half.
 */
const distributionUnits: readonly UnitSpec[] = [
  "drbd.service",
  "drbd@.service",
  "drbd@.target",
  "drbd-promote@.service",
  "drbd-demote-or-escalate@.service",
  "drbd-reconfigure-suspend-or-error@.service",
  "drbd-services@.target",
  "drbd-graceful-shutdown.service",
  "drbd-graceful-disconnect.service",
  "drbd-graceful-down.service",
].map((name) => ({ name, mask: true }));

/**
 * @param secret 16 to 63 letters, digits, _ and -. Of the 64 that DRBD's manual allows, 8.4.11 finds no end when it is asked for its
 *   state, and the kernel panics.
 */
export function secretFiles(secret: string): FileSet {
  if (!/^[A-Za-z0-9_-]{16,63}$/.test(secret))
    throw new Error("DRBD's shared secret must be 16 to 63 letters, digits, _ and -");
  return {
    files: {
      "/etc/tandem/secrets/drbd.conf": {
        mode: "0600",
        content: render("etc/tandem/secrets/drbd.conf.hbs", { sharedSecret: secret }),
      },
    },
  };
}
