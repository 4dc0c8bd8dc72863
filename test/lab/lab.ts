import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cachePath, withLock } from "./cache.ts";
import { atExit } from "./cleanup.ts";
import { Guest, type GuestSpec } from "./guest.ts";
import { ensureBundleDisk, ensureImage, type Suite } from "./image.ts";
import { ensureKernel } from "./kernel.ts";
import { ensureKeys } from "./keys.ts";
import { destroyNamespace, destroyNamespaceNow, labNamespaces, type Net, Network } from "./network.ts";
import { ensurePackages, requireRoot } from "./packages.ts";
import { type ProcessId, processId, type RunOptions, type RunResult, run } from "./process.ts";
import { usableProcessors } from "./processors.ts";
import { step } from "./progress.ts";
import { pulumiEnvironment } from "./pulumi.ts";
import { claim, forgetLab, type LabParts, type LabRecord, namespaceOf, readRecord, socketFolder } from "./record.ts";
import { ensureToolchain, type Toolchain } from "./toolchain.ts";

export type { GuestSpec } from "./guest.ts";

/** Two nodes and the web server. */
export const SITE_GUESTS: readonly GuestSpec[] = [
  { name: "n1", frontend: "10.77.1.11", backend: "10.77.2.11" },
  { name: "n2", frontend: "10.77.1.12", backend: "10.77.2.12" },
  { name: "w", frontend: "10.77.1.20", memoryMb: 256, diskMb: 0 },
];

/** The same with room for a control plane. */
export const KUBERNETES_GUESTS: readonly GuestSpec[] = SITE_GUESTS.map((guest) =>
  guest.backend === undefined ? guest : { ...guest, memoryMb: 1536 },
);

/** Three machines for a plain etcd cluster. */
export const PLAIN_GUESTS: readonly GuestSpec[] = [1, 2, 3].map((i) => ({
  name: `p${i}`,
  frontend: `10.77.1.3${i}`,
  backend: `10.77.2.3${i}`,
}));

export interface Cut {
  net: Net | "all";
  /** `forward` drops only what the first sends to the second. */
  direction: "both" | "forward";
}

export interface StartOptions {
  /** Letters, digits and dashes; default `lab`. Two labs with different names do not see each other. */
  name?: string;
  guests?: readonly GuestSpec[];
  /** Aborting it stops the lab. */
  signal?: AbortSignal;
  /** The lab outlives this process, until `stop` of an attached one. */
  detached?: boolean;
  /** The guests' bundle holds a Kubernetes release, which is built first. */
  kubernetes?: boolean;
}

/** Guests on two networks in a network namespace of their own. */
export class Lab {
  readonly name: string;
  /** Folder of everything that belongs to this run: disks, consoles, ssh configuration, Pulumi state. */
  readonly folder: string;
  /** File for `ssh -F`: every guest by its name, host key and identity included. */
  readonly sshConfig: string;
  readonly knownHosts: string;
  /** File of the private key that opens root on every guest. */
  readonly privateKey: string;
  /** `ssh-ed25519 AAAA...`, the same on every guest. */
  readonly hostKey: string;
  readonly toolchain: Toolchain;
  readonly guests: readonly Guest[];
  private readonly network: Network;
  private forgetExit: () => void = () => {};

  private constructor(name: string, record: LabRecord) {
    const { parts } = record;
    this.name = name;
    this.folder = record.folder;
    this.sshConfig = join(this.folder, "ssh_config");
    this.knownHosts = join(this.folder, "known_hosts");
    this.privateKey = parts.keys.clientKeyFile;
    this.hostKey = parts.keys.hostPublicKey;
    this.toolchain = parts.toolchain;
    this.network = new Network(namespaceOf(name));
    const processors = usableProcessors();
    this.guests = record.guests.map(
      (spec, i) =>
        new Guest(spec, {
          namespace: this.network.namespace,
          folder: this.folder,
          sshConfig: this.sshConfig,
          sockets: socketFolder(name),
          kernel: parts.kernel,
          image: parts.images[spec.image ?? "trixie"] as string,
          bundleDisk: parts.bundleDisk,
          cpu: processors[i % processors.length] as number,
          detached: record.owner === null,
        }),
    );
  }

  /** Boots all guests with new disks and waits until each answers. What is missing in the cache is built first. */
  static async start(options: StartOptions = {}): Promise<Lab> {
    const name = options.name ?? "lab";
    const guests = options.guests ?? SITE_GUESTS;
    checkNames(name, guests);
    requireRoot();
    const parts = await prepare(guests, options.kubernetes);
    options.signal?.throwIfAborted();
    const owner = options.detached ? null : (processId(process.pid) as ProcessId);
    const record = { owner, folder: cachePath("run", name), guests, parts };
    await claim(name, record);
    const lab = new Lab(name, record);
    lab.forgetExit = atExit(() => lab.stopNow());
    const abort = () => void lab.stop();
    options.signal?.addEventListener("abort", abort, { once: true });
    try {
      await step(`boot ${guests.map((guest) => guest.name).join(", ")}`, () => lab.powerOn());
      options.signal?.throwIfAborted();
      if (options.detached) lab.forgetExit();
      return lab;
    } catch (error) {
      await lab.stop();
      throw error;
    }
  }

  /** A detached lab that another process started. */
  static async attach(name: string): Promise<Lab> {
    requireRoot();
    const record = readRecord(name);
    if (!record) throw new Error(`no lab "${name}" is up: start it with "npm run lab -- up"`);
    if (record.owner) throw new Error(`the lab "${name}" belongs to process ${record.owner.pid} and ends with it`);
    return new Lab(name, record);
  }

  guest(name: string): Guest {
    const guest = this.guests.find((one) => one.name === name);
    if (!guest)
      throw new Error(`no guest "${name}" in this lab; it has ${this.guests.map((one) => one.name).join(", ")}`);
    return guest;
  }

  /** Drops every frame between two guests. `host` stands for the machine that the lab runs on, on the frontend. */
  async cut(a: string, b: string, cut: Cut = { net: "all", direction: "both" }): Promise<void> {
    await this.changeCut("add", a, b, cut);
  }

  /** Takes back a cut; without arguments every cut. */
  async heal(a?: string, b?: string, cut: Cut = { net: "all", direction: "both" }): Promise<void> {
    if (a === undefined || b === undefined) await this.network.healAll();
    else await this.changeCut("delete", a, b, cut);
  }

  /** Runs a program of the host on the lab's frontend, as 10.77.1.254. */
  exec(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return run(["ip", "netns", "exec", this.network.namespace, ...argv], options);
  }

  /** Starts a program of the host on the lab's frontend; it ends with the lab. */
  spawn(argv: readonly string[], options: SpawnOptions = {}): ChildProcess {
    return spawn("ip", ["netns", "exec", this.network.namespace, ...argv], options);
  }

  /** Environment in which `pulumi` works offline, with its state in this lab's folder. */
  pulumiEnv(): NodeJS.ProcessEnv {
    return pulumiEnvironment(this.toolchain, join(this.folder, "state"));
  }

  /** Ends everything and removes the disks; consoles and Pulumi state stay until the next start. Can be repeated. */
  async stop(): Promise<void> {
    if (labNamespaces().includes(this.network.namespace)) await destroyNamespace(this.network.namespace);
    forgetLab(this.name);
    this.forgetExit();
  }

  /** The same for an exit handler: synchronous. */
  stopNow(): void {
    if (labNamespaces().includes(this.network.namespace)) destroyNamespaceNow(this.network.namespace);
    forgetLab(this.name);
  }

  private async powerOn(): Promise<void> {
    mkdirSync(join(this.folder, "state"), { recursive: true });
    writeFileSync(this.knownHosts, this.guests.map(({ spec }) => `${spec.frontend} ${this.hostKey}\n`).join(""));
    writeFileSync(this.sshConfig, this.sshConfigText());
    await this.network.create();
    for (const { spec } of this.guests) {
      await this.network.addCable(spec.name, "frontend");
      if (spec.backend) await this.network.addCable(spec.name, "backend");
    }
    await Promise.all(this.guests.map((guest) => guest.boot()));
    await Promise.all(this.guests.map((guest) => guest.waitSsh()));
  }

  private sshConfigText(): string {
    const lines = this.guests.flatMap(({ spec }) => [`Host ${spec.name}`, `  HostName ${spec.frontend}`]);
    lines.push("Host *", "  User root", `  IdentityFile ${this.privateKey}`, "  IdentitiesOnly yes");
    lines.push("  StrictHostKeyChecking yes", `  UserKnownHostsFile ${this.knownHosts}`, "  LogLevel ERROR");
    // A guest that lost its power says nothing: the connection ends itself after ten seconds of silence.
    lines.push("  ConnectTimeout 5", "  ServerAliveInterval 2", "  ServerAliveCountMax 5");
    lines.push(`  ControlPath ${socketFolder(this.name)}/%n`);
    return `${lines.join("\n")}\n`;
  }

  private async changeCut(verb: "add" | "delete", a: string, b: string, cut: Cut): Promise<void> {
    const nets: Net[] = [];
    for (const net of ["frontend", "backend"] as const)
      if ((cut.net === net || cut.net === "all") && this.isOn(a, net) && this.isOn(b, net)) nets.push(net);
    if (nets.length === 0) throw new Error(`${a} and ${b} share no network to cut (asked for: ${cut.net})`);
    await this.network.setCut(verb, a, b, nets);
    if (cut.direction === "both") await this.network.setCut(verb, b, a, nets);
  }

  private isOn(place: string, net: Net): boolean {
    if (place === "host") return net === "frontend";
    return net === "frontend" ? Boolean(this.guest(place)) : this.guest(place).spec.backend !== undefined;
  }
}

function checkNames(name: string, guests: readonly GuestSpec[]): void {
  if (!/^[a-z0-9][a-z0-9-]{0,30}$/.test(name))
    throw new Error(`a lab's name is 1 to 31 small letters, digits and dashes, not "${name}"`);
  for (const guest of guests)
    if (!/^[a-z][a-z0-9]{0,10}$/.test(guest.name) || guest.name === "host")
      throw new Error(
        `a guest's name is a letter and up to 10 letters and digits, and not "host"; not "${guest.name}"`,
      );
}

async function prepare(guests: readonly GuestSpec[], kubernetes = false): Promise<LabParts> {
  await ensurePackages();
  const toolchain = await ensureToolchain({ kubernetes });
  return withLock("build", async () => {
    const keys = await ensureKeys();
    const kernel = await ensureKernel();
    const images: Record<string, string> = {};
    for (const suite of new Set<Suite>(guests.map((guest) => guest.image ?? "trixie")))
      images[suite] = await ensureImage(suite, kernel, keys);
    return { keys, kernel, images, bundleDisk: await ensureBundleDisk(toolchain.bundle), toolchain };
  });
}
