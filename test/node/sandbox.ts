import { spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export const scripts = new URL("../../templates/usr/local/lib/tandem/", import.meta.url).pathname;

export interface Ended {
  /** Null after a signal. */
  code: number | null;
  stdout: string;
  stderr: string;
  tookMs: number;
}

/** A folder that stands for `/`, and stand-ins for the programs that a script calls. */
export class Sandbox {
  readonly root = mkdtempSync(join(tmpdir(), "tandem-shell-"));
  readonly #bin = join(this.root, "stubs");

  constructor() {
    mkdirSync(this.#bin);
    const settings = { SITE: "store-0042", NODE: "n1", SIBLING_BACKEND: "10.77.2.12", RESOURCE: "etcd-t", MINOR: "10" };
    const paths = {
      MOUNTPOINT: "/var/lib/etcd-transient",
      STATE: "/var/lib/tandem",
    };
    const lines = [
      ...Object.entries(settings).map(([name, value]) => `${name}=${value}\n`),
      ...Object.entries(paths).map(([name, path]) => `${name}=${join(this.root, path)}\n`),
    ];
    this.write("/etc/tandem/node.env", lines.join(""));
    this.mkdir("/var/lib/tandem/disarmed");
  }

  /** Puts a program in front of the real one of that name; what it is called with is in {@link calls}. */
  stub(program: string, body: string): void {
    const file = join(this.#bin, program);
    writeFileSync(file, `#!/bin/bash\necho "${program} $*" >>'${this.root}/calls'\n${body}\n`);
    chmodSync(file, 0o755);
  }

  /** For a program that is to run in here. */
  get env(): { PATH: string; TANDEM_ROOT: string } {
    return { PATH: `${this.#bin}:${process.env.PATH}`, TANDEM_ROOT: this.root };
  }

  /** What `drbdsetup events2 --now` shows, and nothing else of drbdsetup. */
  drbd(lines: readonly string[]): void {
    this.write("/events", [...lines, "exists -", ""].join("\n"));
    this.stub("drbdsetup", `cat '${this.root}/events'`);
  }

  /** The same state wherever it can be read: what drbdsetup shows, and what the kernel of either line says of itself. */
  kernel(line: "8.4" | "9", state: Drbd): void {
    this.drbd(events(state));
    this.write("/proc/drbd", procDrbd(line, state));
  }

  get calls(): string[] {
    const file = join(this.root, "calls");
    return existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n") : [];
  }

  callsOf(program: string): string[] {
    return this.calls.filter((call) => call.startsWith(`${program} `));
  }

  write(path: string, content: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), content);
  }

  mkdir(path: string): void {
    mkdirSync(join(this.root, path), { recursive: true });
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), "utf8");
  }

  list(path: string): string[] {
    return readdirSync(join(this.root, path)).sort();
  }

  remove(path: string): void {
    rmSync(join(this.root, path), { recursive: true });
  }

  /** @param options.signal sent after so many ms */
  run(
    script: string,
    args: readonly string[] = [],
    options: { prefix?: readonly string[]; termAfterMs?: number } = {},
  ) {
    const argv = [...(options.prefix ?? []), join(scripts, script), ...args];
    const began = Date.now();
    return new Promise<Ended>((resolve, reject) => {
      const [program = "", ...rest] = argv;
      const child = spawn(program, rest, {
        env: this.env,
        stdio: ["ignore", "pipe", "pipe"],
        timeout: 20_000,
      });
      let [stdout, stderr] = ["", ""];
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        stdout += text;
      });
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        stderr += text;
      });
      child.on("error", reject);
      child.on("close", (code) => resolve({ code, stdout, stderr, tookMs: Date.now() - began }));
      if (options.termAfterMs !== undefined) setTimeout(() => child.kill("SIGTERM"), options.termAfterMs);
    });
  }

  dispose(): void {
    rmSync(this.root, { recursive: true });
  }
}

export interface Drbd {
  role?: string;
  suspended?: string;
  connection?: string;
  disk?: string;
  peerDisk?: string;
}

/** A reading in the words of DRBD 8.4. */
export function events(state: Drbd): string[] {
  const {
    role = "Secondary",
    suspended = "no",
    connection = "StandAlone",
    disk = "UpToDate",
    peerDisk = "DUnknown",
  } = state;
  return [
    `exists resource name:etcd-t role:${role} suspended:${suspended}`,
    `exists connection name:etcd-t peer-node-id:0 conn-name:peer connection:${connection} role:Unknown`,
    `exists device name:etcd-t volume:0 minor:10 disk:${disk}`,
    `exists peer-device name:etcd-t peer-node-id:0 conn-name:peer volume:0 replication:Off peer-disk:${peerDisk} resync-suspended:no`,
  ];
}

/** /proc/drbd: of 8.4 the whole state of the volume, of 9 the version alone. */
function procDrbd(line: "8.4" | "9", state: Drbd): string {
  if (line === "9") return "version: 9.2.16 (api:2/proto:118-123)\nGIT-hash: 0 build by x@y, 2026-01-01 00:00:00\n";
  const { role = "Secondary", connection = "StandAlone", disk = "UpToDate", peerDisk = "DUnknown" } = state;
  const io = (state.suspended ?? "no") === "no" ? "r" : "s";
  return [
    "version: 8.4.11 (api:1/proto:86-101)",
    "srcversion: 211FB288A383ED945B83420 ",
    "",
    `10: cs:${connection} ro:${role}/Unknown ds:${disk}/${peerDisk}   ${io}-----`,
    "    ns:0 nr:0 dw:4 dr:1337 al:1 bm:0 lo:0 pe:0 ua:0 ap:1 ep:1 wo:f oos:0",
    "",
  ].join("\n");
}
