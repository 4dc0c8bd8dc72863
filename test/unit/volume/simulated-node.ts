import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach } from "vitest";
import type { Machine } from "../../../components/cli/apply/machine.ts";
import type { Argv, Finished } from "../../../components/cli/process.ts";
import type { Signature } from "../../../components/cli/volume/blank.ts";
import type { VolumeOrder } from "../../../components/cli/volume/order.ts";

export const DISK = "/dev/vg0/etcd-t";
export const DISK_BYTES = 8 * 2 ** 20;

export class Interrupted extends Error {}

/** Of every node that a test has made, the ones that it made anew half-way included. */
const roots: string[] = [];
afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true });
});

/** A node whose DRBD, disk and file system behave as far as the creation of the volume can tell. */
export class SimulatedNode implements Machine {
  readonly root = mkdtempSync(join(tmpdir(), "tandem-volume-"));
  readonly calls: string[] = [];
  sibling: SimulatedNode | undefined;
  metadata: "none" | "new" | "used" = "none";
  disk: "" | "Diskless" | "Inconsistent" | "UpToDate" = "";
  role: "Primary" | "Secondary" = "Secondary";
  connection: "StandAlone" | "Connecting" | "Connected" = "StandAlone";
  /** Of somebody else. */
  signatures: Signature[] = [];
  agent = "inactive";
  holders: string[] = [];
  /** What blkid finds on the replicated device; the same on both nodes. */
  fileSystem = "";
  mounted = false;
  /** As the file had them when the disk was attached, or as they were changed since. */
  rates: Record<string, string> = { "resync-rate": "51200k", "c-min-rate": "51200k" };
  obeysRates = true;
  #erased = 0;
  #stepsLeft = Number.POSITIVE_INFINITY;

  constructor() {
    roots.push(this.root);
    this.#make(DISK);
    truncateSync(join(this.root, DISK), DISK_BYTES);
    this.#make("/var/lib/tandem/x");
    this.#make("/run/x");
    this.#make("/sys/module/drbd/version");
    this.drbd = "8.4.11\n";
  }

  /** Ends the program after so many changes, as a power cut would. */
  interruptAfter(steps: number): void {
    this.#stepsLeft = steps;
  }

  step(): void {
    if (this.#stepsLeft-- <= 0) throw new Interrupted();
  }

  /** The kernel forgets everything; what is on the disk stays. */
  reboot(): void {
    this.#stepsLeft = Number.POSITIVE_INFINITY;
    this.disk = "";
    this.role = "Secondary";
    this.mounted = false;
    this.#part();
  }

  async run(argv: Argv): Promise<Finished> {
    const call = argv.join(" ").replaceAll(this.root, "");
    this.calls.push(call);
    const answer = this.#execute(call);
    return typeof answer === "number"
      ? { code: answer, stdout: "", stderr: "" }
      : { code: 0, stdout: answer, stderr: "" };
  }

  /** @returns what it prints, or the exit code of a failure */
  #execute(call: string): string | number {
    switch (call) {
      case "drbdsetup show etcd-t":
        return Object.entries(this.rates)
          .map(([option, rate]) => `        ${option}     \t${rate}; # bytes/second\n`)
          .join("");
      case "drbdsetup events2 --now etcd-t":
        return this.#events();
      case "/usr/local/lib/tandem/drbd-attach.sh select":
        return "";
      case "/usr/local/lib/tandem/drbd-attach.sh":
        return this.#attach();
      case "drbdadm dump-md etcd-t":
        return this.metadata === "none" ? 1 : "";
      case "drbdadm create-md etcd-t":
        if (this.metadata !== "none" || this.disk !== "") return 1;
        this.metadata = "new";
        return "";
      case "drbdadm connect etcd-t":
        return this.#connect();
      case "drbdadm disconnect --force etcd-t":
        this.#part();
        return "";
      case "drbdadm new-current-uuid --clear-bitmap etcd-t/0":
        return this.#declareEqual();
      case "/usr/local/lib/tandem/volume-role.sh primary":
        if (this.connection !== "Connected" || this.disk !== "UpToDate") return 1;
        this.role = "Primary";
        return "";
      case "/usr/local/lib/tandem/volume-role.sh secondary":
        if (this.mounted) return 1;
        this.role = "Secondary";
        return "";
      case "drbdsetup down etcd-t":
        this.disk = "";
        return "";
      case "mountpoint --quiet /run/tandem-volume":
        return this.mounted ? "" : 32;
      case "umount /run/tandem-volume":
        return this.#move("/run/tandem-volume", "/replicated", false);
      case "systemctl is-active tandem-agent.service":
        return `${this.agent}\n`;
      case `debugfs -c -R cat /tandem.json ${DISK}`:
        return this.sentinel;
      case `blockdev --getsize64 ${DISK}`:
        return `${DISK_BYTES}\n`;
      default:
        return this.#executeMore(call.split(" "));
    }
  }

  #executeMore([program = "", ...args]: string[]): string | number {
    switch (program) {
      case "drbdsetup":
        return this.#changeRates(args);
      case "lsblk":
        return [`etcd-t lvm `, ...this.holders].join("\n");
      case "wipefs":
        return this.#signatures();
      case "blkid":
        return this.role !== "Primary" ? 1 : this.fileSystem === "" ? 2 : this.fileSystem;
      case "mkfs.ext4":
        if (this.role !== "Primary") return 1;
        this.#setFileSystem("TYPE=ext4\nLABEL=etcd-t\n");
        return "";
      case "mount":
        return this.role === "Primary" ? this.#move("/replicated", "/run/tandem-volume", true) : 32;
      case "install":
        mkdirSync(join(this.root, args.at(-1) ?? ""), { recursive: true });
        return "";
      case "mkdir":
        mkdirSync(join(this.root, args.at(-1) ?? ""), { recursive: true });
        return "";
      case "rmdir":
      case "chattr":
      case "systemctl":
        return "";
      case "fallocate":
        return this.#zero(Number(args[3]), Number(args[5]));
      default:
        throw new Error(`the simulation does not know ${program} ${args.join(" ")}`);
    }
  }

  #changeRates([verb, ...args]: string[]): string | number {
    const place = args.slice(0, -2).join(" ");
    if (`${verb} ${place}` !== (this.drbd.startsWith("8.4") ? "disk-options 10" : "peer-device-options etcd-t 1 0"))
      return 20;
    for (const option of this.obeysRates ? args.slice(-2) : []) {
      const [, name = "", rate = ""] = /^--(.*)=(.*)$/.exec(option) ?? [];
      this.rates[name] = rate;
    }
    return "";
  }

  get drbd(): string {
    return readFileSync(join(this.root, "sys/module/drbd/version"), "utf8");
  }

  set drbd(version: string) {
    writeFileSync(join(this.root, "sys/module/drbd/version"), version);
  }

  #events(): string {
    if (this.disk === "") return "exists -\n";
    const peer = this.connection === "Connected" ? this.sibling : undefined;
    return [
      `exists resource name:etcd-t role:${this.role} suspended:no`,
      `exists connection name:etcd-t peer-node-id:0 connection:${this.connection} role:${peer?.role ?? "Unknown"}`,
      `exists device name:etcd-t volume:0 minor:10 disk:${this.disk}`,
      `exists peer-device name:etcd-t volume:0 replication:${peer ? "Established" : "Off"} peer-disk:${peer?.disk ?? "DUnknown"}`,
      "exists -\n",
    ].join("\n");
  }

  #attach(): string | number {
    if (this.disk !== "" && this.disk !== "Diskless") return "";
    if (this.metadata === "none") return 1;
    this.disk = this.metadata === "new" ? "Inconsistent" : "UpToDate";
    return "";
  }

  #connect(): string | number {
    if (this.connection !== "StandAlone") return 10;
    this.connection = "Connecting";
    if (this.sibling?.connection !== "Connecting") return "";
    this.connection = "Connected";
    this.sibling.connection = "Connected";
    return "";
  }

  #part(): void {
    this.connection = "StandAlone";
    if (this.sibling?.connection === "Connected") this.sibling.connection = "Connecting";
  }

  #declareEqual(): string | number {
    const peer = this.sibling;
    if (this.connection !== "Connected" || peer === undefined) return 1;
    if (this.metadata !== "new" || peer.metadata !== "new") return 1;
    for (const node of [this, peer]) {
      node.metadata = "used";
      node.disk = "UpToDate";
    }
    return "";
  }

  /** What the disk itself holds of the site's name. */
  get sentinel(): string {
    if (this.#erased > 0) return "";
    const nodes = [this, this.sibling].flatMap((node) => (node === undefined ? [] : [join(node.root, "replicated")]));
    const file = nodes.map((folder) => join(folder, "tandem.json")).find((each) => existsSync(each));
    return file === undefined ? "" : readFileSync(file, "utf8");
  }

  #signatures(): string {
    const own: Signature[] = [
      ...(this.metadata === "none" ? [] : [{ type: "drbd", offset: "0x7ff03c", label: null }]),
      ...(this.fileSystem === "" ? [] : [{ type: "ext4", offset: "0x438", label: "etcd-t" }]),
    ];
    const signatures = [...own, ...this.signatures];
    return signatures.length === 0 ? "" : JSON.stringify({ signatures });
  }

  #zero(offset: number, length: number): string {
    if (offset + length === DISK_BYTES) this.metadata = "none";
    else this.#erased += 1;
    if (offset === 0) {
      this.fileSystem = "";
      this.#erased = 0;
    }
    return "";
  }

  #setFileSystem(found: string): void {
    this.fileSystem = found;
    if (this.sibling !== undefined && this.connection === "Connected") this.sibling.fileSystem = found;
  }

  /** The contents of the file system, which are seen at the mount point while it is mounted. */
  #move(from: string, to: string, mounted: boolean): string {
    this.mounted = mounted;
    mkdirSync(join(this.root, from), { recursive: true });
    rmSync(join(this.root, to), { recursive: true, force: true });
    renameSync(join(this.root, from), join(this.root, to));
    return "";
  }

  #make(path: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    if (!existsSync(join(this.root, path))) writeFileSync(join(this.root, path), "");
  }
}

export function pair(): [SimulatedNode, SimulatedNode] {
  const one = new SimulatedNode();
  const two = new SimulatedNode();
  one.sibling = two;
  two.sibling = one;
  return [one, two];
}

export function order(index: 0 | 1, changes: Partial<VolumeOrder> = {}): VolumeOrder {
  const [node, sibling] = index === 0 ? (["n1", "n2"] as const) : (["n2", "n1"] as const);
  return {
    site: "store-0042",
    node,
    sibling,
    index,
    siblingEtcd: `https://${sibling}:2379`,
    peerUrl: `https://${node}:2380`,
    disk: DISK,
    minor: 10,
    port: 7788,
    bytes: 4 * 2 ** 20,
    resyncKibibytesPerSecond: 51_200,
    purge: false,
    ...changes,
  };
}
